/*
 * render_fixture.h - a machine whose files are rendered without a mount, and what its tests say about lines of text.
 *
 * Every helper fails the test where it cannot do its work.
 */
#ifndef TESTS_RENDER_FIXTURE_H
#define TESTS_RENDER_FIXTURE_H

#include "fs/text/render.h"

#include <inttypes.h>

enum {
	RENDER_ANYWHERE = 0,
	RENDER_RAM_KIB = 4096,
	RENDER_SWAP_KIB = 1024,
};

/* A machine with one process, and a file of two pages in a folder of its own. */
struct render_fixture {
	struct fs_mount mount;
	struct vm_process *process;
	char *dir, *path;
};

/* For g_test_add. */
void render_setup(struct render_fixture *f, gconstpointer data);
void render_teardown(struct render_fixture *f, gconstpointer data);

/* What the file shows; as text it is not empty and ends in a newline. */
GString *rendered(struct render_fixture *f, fs_render_fn render);
char *rendered_text(struct render_fixture *f, fs_render_fn render);

char *host_file(const char *path);

/* The first line of TEXT that starts with PREFIX and goes on with a blank, a tab or a colon; NULL if none does. */
char *line_of(const char *text, const char *prefix);
/* The number behind KEY in such a line. */
uint64_t number_of(const char *text, const char *key);
void assert_lines_match(const char *text, const char *pattern);
/* The keys of TEXT (up to a colon or blank) that OTHER has too, in TEXT's order, a line each. */
char *shared_keys(const char *text, const char *other);

/* /bin/true with the arguments "true", "--version", "a b" and the environment HOME=/, LANG=C. */
void exec_program(struct render_fixture *f);
/* Private anonymous memory, at ADDR or at RENDER_ANYWHERE. */
uint64_t map_anon(struct render_fixture *f, uint64_t addr, uint64_t len, int prot);
/* The fixture's file, with FLAGS MAP_PRIVATE or MAP_SHARED. */
uint64_t map_file(struct render_fixture *f, uint64_t addr, uint64_t len, int prot, int flags, uint64_t offset);
/* The process writes one byte. */
void poke(struct render_fixture *f, uint64_t addr);

#endif
