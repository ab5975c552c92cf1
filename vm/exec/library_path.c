/*
 * library_path.c - where ld.so looks for a library (glibc 2.36, _dl_map_object): with a slash in
 * its name, there; else in
 *
 *     DT_RPATH of those that asked, up to the program, unless the first of them has a DT_RUNPATH
 *     LD_LIBRARY_PATH
 *     DT_RUNPATH of the one that asked
 *     /etc/ld.so.cache
 *     the default folders
 *
 * and in each folder first in glibc-hwcaps/x86-64-vN. ld.so would go on to combinations of the
 * names from before (tls/haswell/x86_64, ...), which nobody installs any more: they are not tried
 * here. A file that is no library for this machine is passed over. How many names are looked for
 * and files tried is bounded, whatever the lists say; then all others are not found.
 */
#include "vm/cache/file.h"
#include "vm/exec/library.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/mman.h>

enum {
	MAX_TRIES = 16384, /* names looked for and files tried in one exec */
	/* bytes that all lists of folders take in one exec, with their tokens replaced */
	MAX_LISTS = 4 << 20,
	MAX_CACHE = 8 << 20, /* bytes */
	LEVELS = 4,          /* of processors: x86-64 is 1 */
};

static const char cache_path[] = "/etc/ld.so.cache";

static const char *const default_folders[] = {"/lib/x86_64-linux-gnu",
                                              "/usr/lib/x86_64-linux-gnu",
                                              "/lib64",
                                              "/usr/lib64",
                                              "/lib",
                                              "/usr/lib"};

struct search {
	struct libraries *libraries;
	const char *name;
	struct library *loader;
	struct exec_image *image; /* the file that was found ... */
	char *path;               /* ... and its path */
};

/* --- Trying files ----------------------------------------------------------------------------- */

/* Count a try. False: there were too many. */
static bool may_try(struct libraries *libraries)
{
	if (libraries->tries >= MAX_TRIES)
		return false;
	libraries->tries++;
	return true;
}

/* 0 if the file at PATH is a library, -ENOENT if the search goes on. */
static int try_file(struct search *search, const char *path)
{
	const struct vm_opener *opener = &search->libraries->exec->args->opener;
	int error = 0;

	if (!may_try(search->libraries) || strlen(path) >= PATH_MAX)
		return -ENOENT;
	struct vm_file *file = opener->open(opener->ctx, path, false, &error);
	if (file == NULL)
		return error == -ENOMEM ? -ENOMEM : -ENOENT;
	error = exec_image_open(search->image, file);
	vm_file_unref(file);
	if (error == 0 && search->image->elf.header.e_type == ET_DYN) {
		search->path = g_strdup(path);
		return 0;
	}
	exec_image_clear(search->image);
	return error == -ENOMEM ? -ENOMEM : -ENOENT;
}

/* The library in FOLDER, or in one below it that is meant for processors like this one. */
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

/* --- $ORIGIN and its like --------------------------------------------------------------------- */

/* The folder in which LIBRARY lies. */
static char *origin(const struct library *library)
{
	g_autofree char *name = library->path != NULL && library->path[0] == '/'
	                            ? g_strdup(library->path)
	                            : vm_file_name(library->image.file);

	return name != NULL ? g_path_get_dirname(name) : g_strdup("/");
}

/*
 * The value of the token that TEXT, behind a '$', starts with, and its length; NULL: it is no
 * token.
 */
static char *token_value(const struct libraries *libraries, const char *text,
                         const struct library *library, size_t *len)
{
	static const char *const names[] = {"ORIGIN", "LIB", "PLATFORM"};
	bool braces = text[0] == '{';

	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		size_t name_len = strlen(names[i]);
		if (strncmp(text + braces, names[i], name_len) != 0 ||
		    (braces && text[1 + name_len] != '}'))
			continue;
		*len = name_len + (braces ? 2 : 0);
		return i == 0 ? origin(library)
		              : g_strdup(i == 1 ? "lib/x86_64-linux-gnu"
		                                : libraries->processor.platform);
	}
	return NULL;
}

/* TEXT, which stands in LIBRARY, with its tokens replaced. */
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

/*
 * A list as it stands in OWNER or in the environment, with its tokens replaced. An empty part is
 * the working directory. What is too much for one exec is left out.
 */
static char **split_list(struct libraries *libraries, const char *list, const char *separators,
                         const struct library *owner)
{
	g_auto(GStrv) parts = g_strsplit_set(list, separators, MAX_TRIES);
	GPtrArray *folders = g_ptr_array_new();

	for (size_t i = 0; parts[i] != NULL && libraries->list_bytes < MAX_LISTS; i++) {
		char *folder =
		    parts[i][0] != '\0' ? expand_tokens(libraries, parts[i], owner) : g_strdup(".");
		libraries->list_bytes += sizeof folder + strlen(folder) + 1;
		g_ptr_array_add(folders, folder);
	}
	g_ptr_array_add(folders, NULL);
	return (char **)g_ptr_array_free(folders, FALSE);
}

/* ld.so takes a list apart when it first needs it, and keeps a record of each folder. */
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
 * Try the folders of LIST, which belongs to OWNER; *FOLDERS are those, NULL before they are first
 * wanted.
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

/* DT_RPATH counts only where there is no DT_RUNPATH. */
static int try_rpath(struct search *search, struct library *library)
{
	if (library->dynamic.runpath != NULL)
		return -ENOENT;
	return try_list(search, library->dynamic.rpath, ":", library, &library->rpath_list);
}

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

/*
 * Read FILE whole, and map it as ld.so does: it keeps its place below the libraries until they are
 * loaded.
 */
static int load_cache(struct libraries *libraries, struct vm_file *file)
{
	uint64_t size = exec_source(file).size;

	if (size == 0 || size > MAX_CACHE)
		return 0;
	libraries->cache.bytes = g_try_malloc(size);
	if (libraries->cache.bytes == NULL)
		return -ENOMEM;
	ssize_t got = vm_file_pread(file, libraries->cache.bytes, size, 0);
	libraries->cache.size = got > 0 ? (size_t)got : 0;
	int64_t at =
	    builder_map(&libraries->exec->builder, 0, size, PROT_READ, MAP_PRIVATE, file, 0);
	if (at < 0)
		return (int)at;
	libraries->cache_at = (uint64_t)at;
	libraries->cache_size = size;
	return 0;
}

static int open_cache(struct libraries *libraries)
{
	const struct vm_opener *opener = &libraries->exec->args->opener;
	int error = 0;

	if (libraries->cache_tried)
		return 0;
	libraries->cache_tried = true;
	struct vm_file *file = opener->open(opener->ctx, cache_path, false, &error);
	if (file == NULL)
		return error == -ENOMEM ? -ENOMEM : 0;
	error = load_cache(libraries, file);
	vm_file_unref(file);
	return error;
}

int library_drop_cache(struct libraries *libraries)
{
	g_clear_pointer(&libraries->cache.bytes, g_free);
	if (libraries->cache_size == 0)
		return 0;
	return builder_unmap(&libraries->exec->builder, libraries->cache_at, libraries->cache_size);
}

static bool in_default_folder(const char *path)
{
	for (size_t i = 0; i < G_N_ELEMENTS(default_folders); i++)
		if (g_str_has_prefix(path, default_folders[i]) &&
		    path[strlen(default_folders[i])] == '/')
			return true;
	return false;
}

static int try_cache(struct search *search)
{
	struct libraries *libraries = search->libraries;
	int error = open_cache(libraries);

	if (error != 0)
		return error;
	const char *path =
	    ld_cache_find(&libraries->cache, search->name, libraries->processor.level);
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
		g_autofree char *expanded = expand_tokens(libraries, name, loader);
		error = try_file(&search, expanded);
	} else {
		for (size_t i = 0; error == -ENOENT && i < G_N_ELEMENTS(places); i++)
			error = places[i](&search);
	}
	*path = search.path;
	return error;
}
