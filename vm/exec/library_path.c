/*
 * library_path.c - searches for a library as ld.so does (glibc 2.36, _dl_map_object). See
 * library.h. A name that contains a slash is a path. Any other name is searched for in this order:
 *
 *     1. DT_RPATH of the object that needs it (the loader), of the object that needed that, and so
 *        on up to the program. Skipped if the loader has a DT_RUNPATH.
 *     2. LD_LIBRARY_PATH
 *     3. DT_RUNPATH of the loader
 *     4. /etc/ld.so.cache
 *     5. the default folders
 *
 * In each folder the subfolders glibc-hwcaps/x86-64-vN come first, the highest level that the
 * processor has before the others. ld.so would also try combinations of the older names
 * (tls/haswell/x86_64, ...). Nobody installs those any more, so they are not tried here. A file
 * that is not a library for this processor is skipped.
 *
 * The work is bounded, whatever the lists say. When a limit below is reached, no further library is
 * found.
 */
#include "vm/cache/file.h"
#include "vm/exec/library.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

enum {
	MAX_TRIES = 16384, /* names searched and files tried in one exec */
	/* bytes that all split lists take in one exec; further folders are left out */
	MAX_LISTS = 4 << 20,
	LEVELS = 4, /* the highest level of processors; plain x86-64 is 1 */
};

static const char cache_path[] = "/etc/ld.so.cache";

static const char *const default_folders[] = {"/lib/x86_64-linux-gnu",
                                              "/usr/lib/x86_64-linux-gnu",
                                              "/lib64",
                                              "/usr/lib64",
                                              "/lib",
                                              "/usr/lib"};

/*
 * A search for NAME, which LOADER needs. The functions try_* return 0 if they have found the
 * library, -ENOENT if the search goes on, and any other error if the exec must fail.
 */
struct search {
	struct libraries *libraries;
	const char *name;
	struct library *loader;
	struct exec_image *image; /* the file that was found */
	char *path;               /* its path, owned; NULL until it is found */
};

/* --- Trying files ----------------------------------------------------------------------------- */

/* Count a try. False: there have been MAX_TRIES. */
static bool may_try(struct libraries *libraries)
{
	if (libraries->tries >= MAX_TRIES)
		return false;
	libraries->tries++;
	return true;
}

/* Whether FILE may be loaded, as far as its mode is concerned (open_path). */
static bool may_load(const struct libraries *libraries, const struct vm_file *file)
{
	struct stat status;

	return !libraries->only_setuid ||
	       (fstat(file->handle->medium.fd, &status) == 0 && (status.st_mode & S_ISUID));
}

/*
 * Try the file at PATH. -ENOENT also if it cannot be opened or read or is malformed, as ld.so goes
 * on, too; but lack of memory ends the search.
 */
static int try_file(struct search *search, const char *path)
{
	const struct vm_opener *opener = &search->libraries->exec->args->opener;
	int error = 0;

	if (!may_try(search->libraries) || strlen(path) >= PATH_MAX)
		return -ENOENT;
	struct vm_file *file = opener->open(opener->ctx, path, false, &error);
	if (file == NULL)
		return error == -ENOMEM ? -ENOMEM : -ENOENT;
	error = may_load(search->libraries, file) ? exec_image_open(search->image, file) : -ENOENT;
	vm_file_unref(file);
	if (error == 0 && search->image->elf.header.e_type == ET_DYN) {
		search->path = g_strdup(path);
		return 0;
	}
	exec_image_clear(search->image);
	return error == -ENOMEM ? -ENOMEM : -ENOENT;
}

/* Try the subfolders of FOLDER that are for this processor, and then FOLDER itself. */
static int try_folder(struct search *search, const char *folder)
{
	int error = -ENOENT;

	for (unsigned level = MIN(search->libraries->processor.level, LEVELS);
	     error == -ENOENT && level > 1; level--) {
		g_autofree char *path =
		    g_strdup_printf("%s/glibc-hwcaps/x86-64-v%u/%s", folder, level, search->name);
		error = try_file(search, path);
	}
	if (error != -ENOENT)
		return error;
	g_autofree char *path = g_strconcat(folder, "/", search->name, NULL);
	return try_file(search, path);
}

/* --- $ORIGIN, $LIB, $PLATFORM ----------------------------------------------------------------- */

/* The folder that contains LIBRARY. */
static char *origin(const struct library *library)
{
	g_autofree char *name = library->path != NULL && library->path[0] == '/'
	                            ? g_strdup(library->path)
	                            : vm_file_name(library->image.file);

	return name != NULL ? g_path_get_dirname(name) : g_strdup("/");
}

/*
 * TEXT follows a '$'. If it starts with the name of a token, with braces or without, return the
 * token's value for LIBRARY, and set *LEN to the bytes of TEXT that it replaces. Else NULL. Without
 * braces the name must not go on with a letter, a digit or an underscore (is_dst).
 */
static char *token_value(const struct libraries *libraries, const char *text,
                         const struct library *library, size_t *len)
{
	static const char *const names[] = {"ORIGIN", "LIB", "PLATFORM"};
	bool braces = text[0] == '{';

	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		size_t name_len = strlen(names[i]);
		if (strncmp(text + braces, names[i], name_len) != 0)
			continue;
		char behind = text[braces + name_len];
		if (braces ? behind != '}' : g_ascii_isalnum(behind) || behind == '_')
			continue;
		*len = name_len + (braces ? 2 : 0);
		return i == 0 ? origin(library)
		              : g_strdup(i == 1 ? "lib/x86_64-linux-gnu"
		                                : libraries->processor.platform);
	}
	return NULL;
}

/*
 * TEXT, which comes from LIBRARY, with its tokens replaced. Cut off soon after PATH_MAX bytes: such
 * a path cannot be opened anyway.
 */
static char *expand_tokens(const struct libraries *libraries, const char *text,
                           const struct library *library)
{
	GString *expanded = g_string_new(NULL);

	while (*text != '\0' && expanded->len < PATH_MAX) {
		size_t len = 0;
		g_autofree char *value =
		    *text == '$' ? token_value(libraries, text + 1, library, &len) : NULL;
		if (value != NULL)
			g_string_append(expanded, value);
		else
			g_string_append_c(expanded, *text);
		text += len + 1;
	}
	return g_string_free(expanded, FALSE);
}

/* --- Lists of folders ------------------------------------------------------------------------- */

static bool in_default_folder(const char *path)
{
	for (size_t i = 0; i < G_N_ELEMENTS(default_folders); i++)
		if (g_str_has_prefix(path, default_folders[i]) &&
		    path[strlen(default_folders[i])] == '/')
			return true;
	return false;
}

/*
 * Whether FOLDER, to which TEXT of the list of OWNER was expanded, counts: a privileged program may
 * only name what lies in default folders with tokens (_dl_dst_substitute).
 */
static bool is_trusted(const struct libraries *libraries, const struct library *owner,
                       const char *text, const char *folder)
{
	if (!libraries->exec->secure || owner->path != NULL || strchr(text, '$') == NULL)
		return true;
	g_autofree char *canonical = g_canonicalize_filename(folder, "/");
	g_autofree char *within = g_strconcat(canonical, "/", NULL);
	return in_default_folder(within);
}

/*
 * Split LIST at any of SEPARATORS and replace the tokens, as for the library OWNER. An empty folder
 * is the working directory. Folders past MAX_LISTS are left out. Free with g_strfreev.
 */
static char **split_list(struct libraries *libraries, const char *list, const char *separators,
                         const struct library *owner)
{
	g_auto(GStrv) parts = g_strsplit_set(list, separators, MAX_TRIES);
	GPtrArray *folders = g_ptr_array_new();

	for (size_t i = 0; parts[i] != NULL && libraries->list_bytes < MAX_LISTS; i++) {
		char *folder =
		    parts[i][0] != '\0' ? expand_tokens(libraries, parts[i], owner) : g_strdup(".");
		if (!is_trusted(libraries, owner, parts[i], folder)) {
			g_free(folder);
			continue;
		}
		libraries->list_bytes += sizeof folder + strlen(folder) + 1;
		g_ptr_array_add(folders, folder);
	}
	g_ptr_array_add(folders, NULL);
	return (char **)g_ptr_array_free(folders, FALSE);
}

/* Allocate what ld.so does when it first uses LIST: the list, and a record for each folder. */
static int account_list(struct libraries *libraries, const char *list, char *const *folders,
                        const struct library *owner)
{
	int error = ld_heap_add_list(libraries, g_strv_length((char **)folders), strlen(list));

	for (size_t i = 0; error == 0 && folders[i] != NULL; i++)
		error = ld_heap_add_folder(libraries, folders[i],
		                           owner->path != NULL ? owner->path : "");
	return error;
}

/*
 * Try the folders of LIST, which belongs to OWNER. *FOLDERS is the split list. The first use sets
 * it; until then it is NULL.
 */
static int try_list(struct search *search, const char *list, const char *separators,
                    const struct library *owner, char ***folders)
{
	int error = 0;

	if (list == NULL || *list == '\0')
		return -ENOENT;
	if (*folders == NULL) {
		*folders = split_list(search->libraries, list, separators, owner);
		error = account_list(search->libraries, list, *folders, owner);
	}
	if (error == 0)
		error = -ENOENT;
	for (size_t i = 0;
	     error == -ENOENT && (*folders)[i] != NULL && search->libraries->tries < MAX_TRIES; i++)
		error = try_folder(search, (*folders)[i]);
	return error;
}

/* Try the DT_RPATH of LIBRARY. It is ignored if there is a DT_RUNPATH. */
static int try_rpath(struct search *search, struct library *library)
{
	if (library->dynamic.runpath != NULL)
		return -ENOENT;
	return try_list(search, library->dynamic.rpath, ":", library, &library->rpath_list);
}

/* Try DT_RPATH of the loader, of its loader, and so on; at last that of the program. */
static int try_rpaths(struct search *search)
{
	struct library *program = g_ptr_array_index(search->libraries->loaded, 0);
	bool program_seen = false;
	int error = -ENOENT;

	if (search->loader->dynamic.runpath != NULL)
		return -ENOENT;
	for (struct library *l = search->loader; error == -ENOENT && l != NULL; l = l->loader) {
		error = try_rpath(search, l);
		program_seen |= l == program;
	}
	return error == -ENOENT && !program_seen ? try_rpath(search, program) : error;
}

static int try_variable(struct search *search)
{
	struct libraries *libraries = search->libraries;

	return try_list(search, libraries->path_variable, ":;",
	                g_ptr_array_index(libraries->loaded, 0), &libraries->path_list);
}

static int try_runpath(struct search *search)
{
	struct library *loader = search->loader;

	return try_list(search, loader->dynamic.runpath, ":", loader, &loader->runpath_list);
}

static int try_defaults(struct search *search)
{
	int error = -ENOENT;

	if (search->loader->dynamic.no_default_path)
		return -ENOENT;
	for (size_t i = 0; error == -ENOENT && i < G_N_ELEMENTS(default_folders); i++)
		error = try_folder(search, default_folders[i]);
	return error;
}

/* --- The cache -------------------------------------------------------------------------------- */

/* Open the cache at the first use. If it cannot be opened, libraries are searched without it. */
static int open_cache(struct libraries *libraries)
{
	if (libraries->cache_tried)
		return 0;
	libraries->cache_tried = true;
	return library_map_text(libraries, cache_path, PROT_READ, &libraries->cache);
}

int library_drop_cache(struct libraries *libraries)
{
	return library_unmap_text(libraries, &libraries->cache);
}

/* Try the path in the cache, unless it is in a default folder and the loader has DF_1_NODEFLIB. */
static int try_cache(struct search *search)
{
	struct libraries *libraries = search->libraries;
	int error = open_cache(libraries);

	if (error != 0)
		return error;
	const char *path =
	    ld_cache_find(&(struct ld_cache){libraries->cache.bytes, libraries->cache.size},
	                  search->name, libraries->processor.level);
	if (path == NULL || (search->loader->dynamic.no_default_path && in_default_folder(path)))
		return -ENOENT;
	return try_file(search, path);
}

/* --- All together ----------------------------------------------------------------------------- */

int library_find(struct libraries *libraries, const char *name, struct library *loader,
                 struct exec_image *image, char **path)
{
	static int (*const places[])(struct search *) = {try_rpaths, try_variable, try_runpath,
	                                                 try_cache, try_defaults};
	struct search search = {
	    .libraries = libraries, .name = name, .loader = loader, .image = image};
	int error = -ENOENT;

	if (!may_try(libraries))
		return -ENOENT;
	if (strchr(name, '/') != NULL) {
		/* "DST not allowed in SUID/SGID programs" */
		if (libraries->exec->secure && strchr(name, '$') != NULL)
			return -ENOENT;
		g_autofree char *expanded = expand_tokens(libraries, name, loader);
		error = try_file(&search, expanded);
	} else {
		for (size_t i = 0; error == -ENOENT && i < G_N_ELEMENTS(places); i++)
			error = places[i](&search);
	}
	*path = search.path;
	return error;
}
