/*
 * program.c - see program.h.
 */
#include "tests/differential/program.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

const uint64_t file_sizes[FILES] = {24 * PAGE, 6 * PAGE + 123, 0};

static void make_file(const char *path, unsigned file)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	char bytes[4096];
	bool done = fd >= 0 && ftruncate(fd, 0) == 0;

	for (uint64_t at = 0; done && at < file_sizes[file]; at += PAGE) {
		size_t len = MIN(PAGE, file_sizes[file] - at);
		memset(bytes, 'A' + (int)file * 32 + (int)(at / PAGE), len);
		done = pwrite(fd, bytes, len, (off_t)at) == (ssize_t)len;
	}
	g_assert_true(done);
	close(fd);
}

void make_files(char *const paths[FILES])
{
	for (unsigned i = 0; i < FILES; i++)
		make_file(paths[i], i);
}

char *make_folder(const char *parent)
{
	char *folder = g_build_filename(parent != NULL ? parent : g_get_tmp_dir(),
	                                "vasfs-differential-XXXXXX", NULL);

	g_assert_nonnull(g_mkdtemp(folder));
	return folder;
}

void drop_folder(char *folder)
{
	GDir *dir = g_dir_open(folder, 0, NULL);
	const char *name;

	while ((name = g_dir_read_name(dir)) != NULL) {
		g_autofree char *path = g_build_filename(folder, name, NULL);
		unlink(path);
	}
	g_dir_close(dir);
	rmdir(folder);
	g_free(folder);
}

/* --- Answers ---------------------------------------------------------------------------------- */

void answers_init(struct answers *answers)
{
	memset(answers, 0, sizeof *answers);
	for (int i = 0; i < SLOTS; i++) {
		answers->picture[i].areas = g_array_new(FALSE, FALSE, sizeof(struct area));
		answers->picture[i].resident =
		    g_array_new(FALSE, FALSE, sizeof(struct resident_page));
		answers->picture[i].usage = g_array_new(FALSE, TRUE, sizeof(struct usage));
		answers->picture[i].pages = g_array_new(FALSE, FALSE, sizeof(struct dumped_page));
	}
}

void answers_clear(struct answers *answers)
{
	for (int i = 0; i < SLOTS; i++) {
		g_array_unref(answers->picture[i].areas);
		g_array_unref(answers->picture[i].resident);
		g_array_unref(answers->picture[i].usage);
		g_array_unref(answers->picture[i].pages);
	}
	for (int i = 0; i < FILES; i++)
		g_free(answers->contents[i]);
	g_free(answers->broken);
}

void read_contents(struct answers *answers, char *const paths[FILES])
{
	for (int i = 0; i < FILES; i++)
		g_assert_true(
		    g_file_get_contents(paths[i], &answers->contents[i], &answers->size[i], NULL));
}

bool is_compared(uint64_t va)
{
	return va < HOST_CODE || (va >= HOST_END && va < STACK_LOWEST);
}

void picture_add_pages(struct picture *picture, const struct area *area, const uint64_t *words)
{
	for (uint64_t va = area->start; va < area->end; va += PAGE, words++) {
		struct resident_page page = {.va = va,
		                             .present = *words >> 63,
		                             .exclusive = *words >> 56 & 1,
		                             .cached = *words >> 61 & 1};
		if (*words >> 62 != 0)
			g_array_append_val(picture->resident, page);
	}
}

uint32_t picture_ranges(const struct picture *picture, struct range *ranges)
{
	uint64_t pages = 0;
	uint32_t count = 0;

	for (guint i = 0; i < picture->areas->len && count < MAX_RANGES; i++) {
		const struct area *area = &g_array_index(picture->areas, struct area, i);
		if (pages + (area->end - area->start) / PAGE > MAX_PAGES)
			continue;
		pages += (area->end - area->start) / PAGE;
		ranges[count++] = (struct range){area->start, area->end};
	}
	return count;
}
