/*
 * library_text.c - the files of /etc that ld.so reads: it maps each while it does. See library.h.
 */
#include "vm/cache/file.h"
#include "vm/exec/library.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

enum {
	MAX_TEXT = 8 << 20, /* bytes of a file; a larger one is ignored */
	MAX_NAMES = 4096,   /* in /etc/ld.so.preload, with the empty ones */
};

/* Read and map FILE, which has SIZE bytes. */
static int map_file(struct libraries *libraries, struct vm_file *file, uint64_t size, int prot,
                    struct ld_text *text)
{
	text->bytes = g_try_malloc(size + 1);
	if (text->bytes == NULL)
		return -ENOMEM;
	ssize_t got = vm_file_pread(file, text->bytes, size, 0);
	text->size = got > 0 ? (size_t)got : 0;
	text->bytes[text->size] = '\0';
	int64_t at = builder_map(&libraries->exec->builder, 0, size, prot, MAP_PRIVATE, file, 0);
	if (at < 0) {
		g_clear_pointer(&text->bytes, g_free);
		return (int)at;
	}
	text->at = (uint64_t)at;
	text->mapped = size;
	return 0;
}

int library_map_text(struct libraries *libraries, const char *path, int prot, struct ld_text *text)
{
	const struct vm_opener *opener = &libraries->exec->args->opener;
	int error = 0;

	*text = (struct ld_text){0};
	struct vm_file *file = opener->open(opener->ctx, path, false, &error);
	if (file == NULL)
		return error == -ENOMEM ? -ENOMEM : 0;
	uint64_t size = exec_source(file).size;
	if (size > 0 && size <= MAX_TEXT)
		error = map_file(libraries, file, size, prot, text);
	vm_file_unref(file);
	return error;
}

int library_unmap_text(struct libraries *libraries, struct ld_text *text)
{
	g_clear_pointer(&text->bytes, g_free);
	if (text->mapped == 0)
		return 0;
	return builder_unmap(&libraries->exec->builder, text->at, text->mapped);
}

char **library_preload_names(struct ld_text *text)
{
	for (char *at = text->bytes; (at = strchr(at, '#')) != NULL;)
		for (; *at != '\0' && *at != '\n'; at++)
			*at = ' ';
	return g_strsplit_set(text->bytes, ": \t\n", MAX_NAMES);
}
