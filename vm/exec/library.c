/*
 * library.c - maps the libraries that ld.so (glibc 2.36) would map before it calls main, in the
 * same order: first those in LD_PRELOAD and /etc/ld.so.preload, then breadth first along DT_NEEDED.
 * See library.h.
 *
 * No code runs here, so nothing is relocated and no constructor is called. But all that ld.so does
 * to areas is done, too: it takes the rights from holes between segments, makes RELRO pages
 * read-only, makes the stack executable if a library needs that, and maps anonymous pages for
 * itself between the libraries.
 *
 * If a library is missing or malformed, or cannot be mapped because its mount is noexec, ld.so
 * would end the program. Here it is left out.
 */
#include "vm/exec/library.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

enum { MAX_LIBRARIES = 512 }; /* the most in one exec; others are left out */

/* --- Loaded objects --------------------------------------------------------------------------- */

static void library_free(struct library *library)
{
	exec_image_clear(&library->image);
	elf_dynamic_clear(&library->dynamic);
	g_ptr_array_unref(library->names);
	g_strfreev(library->rpath_list);
	g_strfreev(library->runpath_list);
	g_free(library->path);
	g_free(library);
}

/*
 * A library with IMAGE, opened as PATH because LOADER needs it. Takes over IMAGE and PATH: *IMAGE
 * is empty afterwards, and library_free frees both.
 */
static struct library *library_new(struct exec_image *image, char *path, struct library *loader)
{
	struct library *library = g_new0(struct library, 1);

	library->image = *image;
	*image = (struct exec_image){0};
	library->path = path;
	library->names = g_ptr_array_new_with_free_func(g_free);
	library->loader = loader;
	elf_dynamic_read(&library->image.elf, &library->dynamic);
	return library;
}

/*
 * A library for the program or the interpreter, which the kernel has mapped. Reads the headers
 * again, because it gets an image of its own. -ENOEXEC (the file has changed), -ENOMEM, or an error
 * of reading; *LIBRARY is not set then.
 */
static int library_of_image(const struct exec_image *image, const char *path,
                            struct library **library)
{
	struct exec_image copy = {0};
	int error = exec_image_open(&copy, image->file);

	if (error != 0) {
		exec_image_clear(&copy);
		return error;
	}
	copy.bias = image->bias;
	*library = library_new(&copy, g_strdup(path), NULL);
	if (!(*library)->dynamic.no_memory)
		return 0;
	g_clear_pointer(library, library_free);
	return -ENOMEM;
}

/* Whether NAME is a name of LIBRARY: _dl_name_match_p, or DT_SONAME. */
static bool answers_to(const struct library *library, const char *name)
{
	for (guint i = 0; i < library->names->len; i++)
		if (strcmp(g_ptr_array_index(library->names, i), name) == 0)
			return true;
	return library->dynamic.soname != NULL && strcmp(library->dynamic.soname, name) == 0;
}

/* The loaded library with NAME, or NULL. The program, which has index 0, is not considered. */
static struct library *find_by_name(const struct libraries *libraries, const char *name)
{
	for (guint i = 1; i < libraries->loaded->len; i++)
		if (answers_to(g_ptr_array_index(libraries->loaded, i), name))
			return g_ptr_array_index(libraries->loaded, i);
	return answers_to(libraries->interpreter, name) ? libraries->interpreter : NULL;
}

/* The loaded object that is the same host file as FILE, or NULL. */
static struct library *find_by_file(const struct libraries *libraries, const struct vm_file *file)
{
	for (guint i = 0; i < libraries->loaded->len; i++) {
		struct library *library = g_ptr_array_index(libraries->loaded, i);
		if (library->image.file->object == file->object)
			return library;
	}
	return libraries->interpreter->image.file->object == file->object ? libraries->interpreter
	                                                                  : NULL;
}

/* --- Loading one ------------------------------------------------------------------------------ */

static void add_name(struct library *library, const char *name)
{
	g_ptr_array_add(library->names, g_strdup(name));
}

/*
 * Map IMAGE, which was found at PATH for the name NAME that LOADER needs. Takes over IMAGE and
 * PATH.
 *
 * => 0: it is mapped and in the list, or left out because ld.so would refuse it (a PIE, or
 *    -ENOEXEC of library_map)
 * => another error: the exec must fail
 */
static int load_image(struct libraries *libraries, struct exec_image *image, char *path,
                      const char *name, struct library *loader)
{
	struct library *library = library_new(image, path, loader);
	int error = library->dynamic.no_memory ? -ENOMEM
	            : library->dynamic.pie     ? -ENOEXEC
	                                       : ld_heap_add_library(libraries, name, path);

	if (error == 0)
		error = library_map(libraries->exec, &library->image);
	if (error == 0) {
		add_name(library, name);
		g_ptr_array_add(libraries->loaded, library);
		return 0;
	}
	library_free(library);
	return error == -ENOEXEC ? 0 : error;
}

/* The interpreter is needed: from now on it has a place in the list, if it had none before. */
static void place_interpreter(struct libraries *libraries)
{
	if (libraries->interpreter_place == 0)
		libraries->interpreter_place = libraries->loaded->len;
}

/*
 * Load the library NAME that LOADER needs.
 *
 * => 0: *LIBRARY is loaded now or was before; or it is NULL: left out, because it is not found,
 *    malformed, or one too many
 * => an error: the exec must fail
 */
static int load_name(struct libraries *libraries, const char *name, struct library *loader,
                     struct library **library)
{
	struct exec_image image = {0};
	char *path = NULL;
	guint before = libraries->loaded->len;

	/* No file is opened for a name that is known. */
	*library = find_by_name(libraries, name);
	if (*library == libraries->interpreter)
		place_interpreter(libraries);
	if (*library != NULL || before > MAX_LIBRARIES)
		return 0;
	int error = library_find(libraries, name, loader, &image, &path);
	if (error != 0)
		return error == -ENOENT ? 0 : error;
	/* The file may be loaded under another name. Then it only gets a further name. */
	*library = find_by_file(libraries, image.file);
	if (*library == NULL) {
		error = load_image(libraries, &image, path, name, loader);
		if (libraries->loaded->len > before)
			*library = g_ptr_array_index(libraries->loaded, before);
		return error;
	}
	if (*library == libraries->interpreter)
		place_interpreter(libraries);
	add_name(*library, name);
	exec_image_clear(&image);
	g_free(path);
	return ld_heap_add_name(libraries, name);
}

/* --- Loading all ------------------------------------------------------------------------------ */

/*
 * LIBRARY is loaded because LOADER names it as a filter: move it to index AT of the list, unless it
 * comes earlier already. True: it is there, and what was there has moved up by one.
 */
static bool move_before(struct libraries *libraries, struct library *library,
                        const struct library *loader, guint at)
{
	guint from;

	if (library == loader || !g_ptr_array_find(libraries->loaded, library, &from) || from < at)
		return false;
	g_ptr_array_insert(libraries->loaded, (gint)at,
	                   g_ptr_array_steal_index(libraries->loaded, from));
	if (libraries->interpreter_place > at && libraries->interpreter_place <= from)
		libraries->interpreter_place++;
	return true;
}

/* Load what the object at index INDEX of the list needs (_dl_map_object_deps). */
static int load_needed_by(struct libraries *libraries, guint index)
{
	struct library *loader = g_ptr_array_index(libraries->loaded, index), *library;
	const GPtrArray *needed = loader->dynamic.needed;
	/* Where the next filter goes: before LOADER, but ld.so keeps the program at the head. */
	guint at = MAX(index, 1), found = 0;
	int error = 0;

	loader->done = true;
	for (guint i = 0; error == 0 && i < needed->len; i++) {
		const struct elf_needed *name = g_ptr_array_index(needed, i);
		error = load_name(libraries, name->name, loader, &library);
		found += library != NULL || !name->before;
		if (library != NULL && name->before && move_before(libraries, library, loader, at))
			at++;
	}
	return error == 0 && index > 0 ? ld_heap_add_needed(libraries, found) : error;
}

/*
 * Load what the loaded objects need, breadth first: the list grows while it is walked. Those that
 * were put before an object come next.
 */
static int load_needed(struct libraries *libraries)
{
	int error = 0;

	for (guint next = 0; error == 0 && next < libraries->loaded->len;) {
		struct library *library = g_ptr_array_index(libraries->loaded, next);
		if (library->done)
			next++;
		else
			error = load_needed_by(libraries, next);
	}
	return error;
}

/* The value of variable NAME in the program's environment, or NULL. */
static const char *environment(const struct exec *exec, const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < exec->strings.envp.len; i++) {
		const char *text = ARRAY_AT(&exec->strings.envp, char *, i);
		if (strncmp(text, name, len) == 0 && text[len] == '=')
			return text + len + 1;
	}
	return NULL;
}

/* Load the libraries in NAMES. The strings may be empty. */
static int preload(struct libraries *libraries, char *const *names)
{
	struct library *program = g_ptr_array_index(libraries->loaded, 0), *library;
	int error = 0;

	for (size_t i = 0; error == 0 && names[i] != NULL; i++)
		if (names[i][0] != '\0')
			error = load_name(libraries, names[i], program, &library);
	return error;
}

/*
 * Load those in LD_PRELOAD. For a privileged program a name with a slash does not count, and the
 * library must have S_ISUID.
 */
static int load_preloads(struct libraries *libraries)
{
	const char *list = environment(libraries->exec, "LD_PRELOAD");

	if (list == NULL)
		return 0;
	g_auto(GStrv) names = g_strsplit_set(list, ": ", MAX_LIBRARIES);
	for (size_t i = 0; libraries->exec->secure && names[i] != NULL; i++)
		if (strchr(names[i], '/') != NULL)
			names[i][0] = '\0';
	libraries->only_setuid = libraries->exec->secure;
	int error = preload(libraries, names);
	libraries->only_setuid = false;
	return error;
}

/* Load those in /etc/ld.so.preload, which ld.so maps meanwhile. */
static int load_preload_file(struct libraries *libraries)
{
	struct ld_text text;
	int error =
	    library_map_text(libraries, "/etc/ld.so.preload", PROT_READ | PROT_WRITE, &text);

	if (error != 0 || text.bytes == NULL)
		return error;
	g_auto(GStrv) names = library_preload_names(&text);
	error = preload(libraries, names);
	int unmap_error = library_unmap_text(libraries, &text);
	return error != 0 ? error : unmap_error;
}

/* --- When all are loaded ---------------------------------------------------------------------- */

/* Without a PT_GNU_STACK ld.so assumes that an object needs an executable stack. */
static bool wants_executable_stack(const struct library *library)
{
	const Elf64_Phdr *stack = elf_segment(&library->image.elf, PT_GNU_STACK, NULL);

	return stack == NULL || stack->p_flags & PF_X;
}

/*
 * Make the stack executable if one library needs that: _dl_make_stack_executable. Nothing is done
 * if the program itself needs it: that is left to the kernel (stack_prot in stack.c).
 */
static int protect_stack(struct libraries *libraries)
{
	if (wants_executable_stack(g_ptr_array_index(libraries->loaded, 0)))
		return 0;
	for (guint i = 1; i < libraries->loaded->len; i++)
		if (wants_executable_stack(g_ptr_array_index(libraries->loaded, i)))
			return builder_protect(&libraries->exec->builder,
			                       page_down(libraries->exec->builder.space->layout.sp),
			                       VM_PAGE_SIZE,
			                       PROT_READ | PROT_WRITE | PROT_EXEC | PROT_GROWSDOWN);
	return 0;
}

static int protect_relro(struct libraries *libraries)
{
	int error = 0;

	/* ld.so takes part only if something needs it. */
	if (libraries->interpreter_place != 0)
		error = library_protect_relro(libraries->exec, &libraries->interpreter->image);
	for (guint i = 0; error == 0 && i < libraries->loaded->len; i++) {
		const struct library *library = g_ptr_array_index(libraries->loaded, i);
		error = library_protect_relro(libraries->exec, &library->image);
	}
	return error;
}

/* Do all that ld.so does to areas, in its order. The program and the interpreter are known. */
static int load_all(struct libraries *libraries)
{
	static int (*const steps[])(struct libraries *) = {
	    ld_heap_start, load_preloads,  load_preload_file, load_needed,
	    protect_stack, ld_heap_finish, protect_relro,     library_drop_cache};
	int error = 0;

	for (size_t i = 0; error == 0 && i < G_N_ELEMENTS(steps); i++)
		error = steps[i](libraries);
	return error;
}

/* Make the entries for the program and the interpreter. Errors as library_of_image. */
static int begin(struct libraries *libraries)
{
	struct exec *exec = libraries->exec;
	struct library *program;
	int error = library_of_image(&exec->program, NULL, &program);

	if (error != 0)
		return error;
	g_ptr_array_add(libraries->loaded, program);
	error =
	    library_of_image(&exec->interpreter, exec->interpreter_path, &libraries->interpreter);
	if (error == 0)
		add_name(libraries->interpreter, exec->interpreter_path);
	return error;
}

int exec_map_libraries(struct exec *exec)
{
	struct libraries libraries = {
	    .exec = exec,
	    .loaded = g_ptr_array_new_with_free_func((GDestroyNotify)library_free),
	    .folders = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
	    .path_variable = exec->secure ? NULL : environment(exec, "LD_LIBRARY_PATH"),
	};
	int error = 0;

	processor_read(&libraries.processor);
	if (exec->interpreter.file != NULL) {
		error = begin(&libraries);
		if (error == 0)
			error = load_all(&libraries);
	}
	g_ptr_array_unref(libraries.loaded);
	g_clear_pointer(&libraries.interpreter, library_free);
	g_hash_table_unref(libraries.folders);
	g_strfreev(libraries.path_list);
	g_free(libraries.cache.bytes);
	return error;
}

int exec_find_loader(struct exec *exec)
{
	static const char glibc_soname[] = "ld-linux-x86-64.so.2";
	struct elf_dynamic dynamic;

	exec->kernel_only = exec->args->kernel_only;
	if (exec->interpreter.file == NULL)
		return 0;
	elf_dynamic_read(&exec->interpreter.elf, &dynamic);
	exec->kernel_only |= dynamic.soname == NULL || strcmp(dynamic.soname, glibc_soname) != 0;
	int error = dynamic.no_memory ? -ENOMEM : 0;
	elf_dynamic_clear(&dynamic);
	return error;
}
