/*
 * test_ctl.c - ctl files as streams: where commands begin and end, which reader gets which results,
 * and how many results are kept.
 */
#include "tests/fixture/ctl_fixture.h"

#include "fs/ctl/command_help.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

/* What is said of the unknown command NAME to a process. */
#define UNKNOWN(name) \
	"error: " name ": EINVAL: no such command; there are mmap munmap mprotect mremap open " \
	"close brk sbrk msync mlock mlock2 munlock mlockall munlockall madvise mincore reset " \
	"fork exec " \
	"run step until stop setreg exit kill access peek poke where translate walk setrlimit " \
	"setenv help (line 1)\n"

/* --- Streams ---------------------------------------------------------------------------------- */

static void test_answers(struct ctl_fixture *f, const void *unused)
{
	g_assert_cmpint(ctl_put(f, f->open, "mmap 0x10000 8K rw- private,anon,fixed\n"), ==, 0);
	ctl_expect(f, f->open, "0x10000\n");
	ctl_expect(f, f->open, "");
	g_assert_cmpint(ctl_put(f, f->open, "munmap 0x10000 4K\nmprotect 0x11000 4K r--\nbrk 0\n"),
	                ==, 0);
	ctl_expect(f, f->open, "0\n0\n0x555555556000\n");
	g_assert_cmpint(ctl_put(f, f->open, "sbrk 8K\n"), ==, 0);
	g_assert_cmpint(ctl_put(f, f->open, "sbrk -4K\n"), ==, 0);
	ctl_expect(f, f->open, "0x555555556000\n0x555555558000\n");
}

static void test_byte_by_byte(struct ctl_fixture *f, const void *unused)
{
	const char *text =
	    "mmap 0x10000 4K rw- private,anon,fixed\nbrk 0 # ask\n\nmunmap 0x10000 4K\n";
	g_autofree char *got = NULL;

	for (; *text != '\0'; text++)
		g_assert_cmpint(fs_ctl_write(f->open, &f->me, text, 1), ==, 1);
	got = ctl_get_in_steps(f, f->open, 1);
	g_assert_cmpstr(got, ==, "0x10000\n0x555555556000\n0\n");
}

static void test_ends(struct ctl_fixture *f, const void *unused)
{
	g_autoptr(GString) out = g_string_new(NULL);

	g_assert_cmpint(ctl_put(f, f->open, "brk 0"), ==, 0);
	ctl_expect(f, f->open, "0x555555556000\n");
	g_assert_cmpint(ctl_put(f, f->open, "sbrk 1K"), ==, 0);
	g_assert_cmpint(fs_ctl_close(f->open, &f->me), ==, 0);
	ctl_expect(f, f->open, "0x555555556000\n");
	g_assert_cmpint(ctl_put(f, f->open, "munmap 1"), ==, 0);
	g_assert_cmpint(fs_ctl_close(f->open, &f->me), ==, -EINVAL);
	g_assert_cmpint(fs_ctl_close(f->open, &f->me), ==, 0);
	ctl_expect(f, f->open,
	           "error: munmap: EINVAL: wrong number of words: munmap ADDR LEN (line 1)\n");
	g_assert_cmpint(ctl_put(f, f->open, "nonsense"), ==, 0);
	g_assert_cmpint(fs_ctl_read(f->open, &f->me, out, 100), ==, -EINVAL);
	g_assert_cmpuint(out->len, ==, 0);
	ctl_expect(f, f->open, UNKNOWN("nonsense"));
}

/*
 * A process that shares the open file may close it at any time. Only a close by the process that
 * wrote it ends a pending line, in any of its threads. The release drops it.
 */
static void test_shared_close(struct ctl_fixture *f, const void *unused)
{
	struct fs_caller other = f->me;

	other.files++;
	g_assert_cmpint(ctl_put(f, f->open, "sbr"), ==, 0);
	g_assert_cmpint(fs_ctl_close(f->open, &other), ==, 0);
	g_assert_cmpint(ctl_put(f, f->open, "k 4K\nsbrk 4K"), ==, 0);
	ctl_expect(f, f->open, "0x555555556000\n0x555555557000\n");
	g_assert_cmpint(ctl_put(f, f->open, "sbrk 4K"), ==, 0);
	g_assert_cmpint(fs_ctl_close(f->open, &other), ==, 0);
	fs_ctl_free(f->open);
	f->open = fs_ctl_open(&f->mount, f->process, 0);
	ctl_expect(f, f->open, "0x555555557000\n");
	other = f->me;
	other.pid++;
	g_assert_cmpint(ctl_put(f, f->open, "sbrk 4K"), ==, 0);
	g_assert_cmpint(fs_ctl_close(f->open, &other), ==, 0);
	ctl_expect(f, f->open, "0x555555558000\n");
}

static void test_failure_stops(struct ctl_fixture *f, const void *unused)
{
	g_assert_cmpint(
	    ctl_put(f, f->open, "sbrk 4K\n# comment\nmmap 0 0 rw- private,anon\nsbrk 4K\nsbr"), ==,
	    -EINVAL);
	ctl_expect(f, f->open,
	           "0x555555556000\nerror: mmap: EINVAL: length must not be 0 (line 3)\n");
	/* The fourth line and the piece after it were dropped. */
	g_assert_cmpint(ctl_put(f, f->open, "brk 0\n"), ==, 0);
	ctl_expect(f, f->open, "0x555555557000\n");
	/* So is a piece that an earlier write left. */
	g_assert_cmpint(ctl_put(f, f->open, "brk 0 1 2"), ==, 0);
	g_assert_cmpint(ctl_put(f, f->open, " 3\n"), ==, -EINVAL);
	g_assert_cmpint(ctl_put(f, f->open, "brk 0\n"), ==, 0);
	g_free(ctl_get(f, f->open));
}

static void test_words(struct ctl_fixture *f, const void *unused)
{
	static const char *const good[] = {
	    "brk 0\n",
	    " \tbrk\t 0 \t\n",
	    "'brk' \"0\"\n",
	    "b\\rk 0\n",
	    "brk 0 # it's \"half\n",
	    "brk 0\t#x\n",
	    "brk 0 #\n",
	    "br'k' 0\n",
	    "# no\nbrk 0\n",
	    "#\n\n \n\t#'\nbrk 0\n",
	    "brk 0x0\n",
	    "brk 00\n",
	};
	static const char *const bad[] = {
	    "brk '0\n",   "brk \"0\n",   "brk 0 \\\n",   "brk 0#\n", "brk ''\n",
	    "'brk 0'\n",  "brk '#' 0\n", "brk 0\r\n",    "BRK 0\n",  "\xff\xfe\n",
	    "brk 0 ''\n", "brk \\ #0\n", "\"\" brk 0\n",
	};

	for (size_t i = 0; i < G_N_ELEMENTS(good); i++) {
		g_assert_cmpint(ctl_put(f, f->open, good[i]), ==, 0);
		ctl_expect(f, f->open, "0x555555556000\n");
	}
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
		g_autofree char *shown = g_strescape(bad[i], NULL);

		g_test_message("%s", shown);
		g_assert_cmpint(ctl_put(f, f->open, bad[i]), ==, -EINVAL);
		g_free(ctl_get(f, f->open));
	}
}

static void test_nul(struct ctl_fixture *f, const void *unused)
{
	static const char text[] = "brk 0\0\n";

	g_assert_cmpint(fs_ctl_write(f->open, &f->me, text, sizeof(text) - 1), ==, -EINVAL);
	ctl_expect(f, f->open, "error: line: EINVAL: it has a NUL byte (line 1)\n");
}

static void test_terminal_bytes(struct ctl_fixture *f, const void *unused)
{
	g_assert_cmpint(ctl_put(f, f->open, "\x1b[2J\n"), ==, -EINVAL);
	ctl_expect(f, f->open, UNKNOWN("\\033[2J"));
}

static char *padded(const char *command, size_t len, const char *end)
{
	return g_strdup_printf("%-*s%s", (int)len, command, end);
}

static void test_long_line(struct ctl_fixture *f, const void *unused)
{
	g_autofree char *longest = padded("brk 0", 4096, "\n");
	g_autofree char *longer = padded("brk 0", 4097, "\n");
	g_autofree char *endless = padded("brk 0", 5000, "");

	g_assert_cmpint(ctl_put(f, f->open, longest), ==, 0);
	ctl_expect(f, f->open, "0x555555556000\n");
	g_assert_cmpint(ctl_put(f, f->open, longer), ==, -E2BIG);
	ctl_expect(f, f->open, "error: line: E2BIG: longer than 4096 bytes (line 1)\n");
	/* The rest of the line is skipped, up to its newline. */
	g_assert_cmpint(ctl_put(f, f->open, endless), ==, -E2BIG);
	g_assert_cmpint(ctl_put(f, f->open, "sbrk 4K"), ==, 0);
	g_assert_cmpint(ctl_put(f, f->open, "sbrk 4K\nbrk 0\n"), ==, 0);
	ctl_expect(f, f->open,
	           "error: line: E2BIG: longer than 4096 bytes (line 1)\n0x555555556000\n");
}

/* The budget counts a line only while it goes on. */
static void test_line_budget(struct ctl_fixture *f, const void *unused)
{
	g_autofree char *piece = padded(" ", 3000, "");
	struct fs_budget *budget = fs_budget_new();
	struct budget_share all;

	f->mount.budget = budget;
	budget_open(budget, 0, &all);
	g_assert_true(budget_resize(&all, BUDGET_BYTES / 2 - 1024));
	struct fs_ctl_open *open = fs_ctl_open(&f->mount, f->process, 0);
	g_assert_cmpint(ctl_put(f, open, piece), ==, -ENOMEM);
	/* Nothing of it is left, and nothing is taken. */
	g_assert_true(budget_resize(&all, BUDGET_BYTES / 2));
	g_assert_true(budget_resize(&all, BUDGET_BYTES / 2 - 1024));
	g_assert_cmpint(ctl_put(f, open, "brk 0"), ==, 0);
	g_assert_false(budget_resize(&all, BUDGET_BYTES / 2));
	budget_close(&all);
	g_assert_cmpint(ctl_put(f, open, piece), ==, 0);
	g_assert_cmpint(ctl_put(f, open, "\n"), ==, 0);
	ctl_expect(f, open, "0x555555556000\n");
	/* Results are kept, until they are read; the line is not. */
	g_assert_true(budget_resize(&all, BUDGET_BYTES / 2));
	fs_ctl_free(open);
	f->mount.budget = NULL;
	budget_close(&all);
	fs_budget_free(budget);
}

static void test_readers(struct ctl_fixture *f, const void *unused)
{
	struct fs_ctl_open *reader = fs_ctl_open(&f->mount, f->process, 0);
	struct fs_ctl_open *other = fs_ctl_open(&f->mount, f->process, 0);
	g_autoptr(GString) piece = g_string_new(NULL);
	g_autofree char *help = ctl_get_in_steps(f, reader, 7);

	for (const struct command *c = process_commands; c->name != NULL; c++)
		g_assert_nonnull(strstr(help, c->help));
	ctl_expect(f, reader, "");
	g_assert_cmpint(ctl_put(f, f->open, "brk 0\nsbrk 4K\n"), ==, 0);
	g_assert_cmpint(fs_ctl_read(reader, &f->me, piece, 4), ==, 0);
	g_assert_cmpint(ctl_put(f, f->open, "nonsense\n"), ==, -EINVAL);
	g_assert_cmpstr(piece->str, ==, "0x55");
	ctl_expect(f, reader, "5555556000\n");
	ctl_expect(f, reader, UNKNOWN("nonsense"));
	ctl_expect(f, reader, "");
	/* Comments produce no results. */
	g_assert_cmpint(ctl_put(f, f->open, "# only this\n"), ==, 0);
	ctl_expect(f, reader, "");
	ctl_expect(f, other, UNKNOWN("nonsense"));
	/* After its first write, a reader gets only its own results. */
	g_assert_cmpint(ctl_put(f, reader, "brk 0\n"), ==, 0);
	g_assert_cmpint(ctl_put(f, f->open, "fork\n"), ==, 0);
	ctl_expect(f, reader, "0x555555557000\n");
	fs_ctl_free(reader);
	fs_ctl_free(other);
}

static void test_bounded(struct ctl_fixture *f, const void *unused)
{
	g_autofree char *text = NULL, *last = NULL;
	struct fs_ctl_open *reader = fs_ctl_open(&f->mount, f->process, 0);
	uint64_t lines = 0, lost;

	for (int i = 0; i < 200000; i++)
		g_assert_cmpint(ctl_put(f, f->open, "brk 0\n"), ==, 0);
	text = ctl_get(f, f->open);
	g_assert_cmpuint(strlen(text), <=, CTL_RESULTS_MAX + 100);
	g_assert_true(g_str_has_prefix(text, "# "));
	lost = g_ascii_strtoull(text + 2, NULL, 10);
	for (const char *c = strchr(text, '\n') + 1; *c != '\0';
	     c += strlen("0x555555556000\n"), lines++)
		g_assert_true(g_str_has_prefix(c, "0x555555556000\n"));
	g_assert_cmpuint(lines + lost, ==, 200000);

	/* A single command can have that many lines too. */
	g_assert_cmpint(
	    ctl_put(f, f->open,
	            "mmap 0x10000000 256M r-- private,anon,fixed\naccess r 0x10000000 256M\n"),
	    ==, 0);
	last = ctl_get(f, reader);
	g_assert_true(g_str_has_prefix(last, "# "));
	g_assert_cmpuint(strlen(last), <=, CTL_RESULTS_MAX + 100);
	g_assert_nonnull(strstr(last, "\n000000001ffff000 minor zero-page"));
	fs_ctl_free(reader);
}

/*
 * Who has read all results, and writes commands whose results are too many to keep, is told to read
 * again: the write takes less. Nothing is lost or done twice.
 */
static void test_short_write(struct ctl_fixture *f, const void *unused)
{
	g_autoptr(GString) text = g_string_new(NULL);
	size_t done = 0, writes = 0, lines = 0;

	for (int i = 0; i < 300000; i++)
		g_string_append(text, "sbrk 1\n");
	while (done < text->len) {
		ssize_t taken = fs_ctl_write(f->open, &f->me, text->str + done, text->len - done);
		g_assert_cmpint(taken, >, 0);
		g_assert_cmpint(text->str[done + (size_t)taken - 1], ==, '\n');
		g_autofree char *got = ctl_get(f, f->open);
		g_assert_cmpuint(strlen(got), <, CTL_RESULTS_MAX + 100);
		for (const char *c = got; *c != '\0'; c = strchr(c, '\n') + 1, lines++)
			g_assert_cmphex(g_ascii_strtoull(c, NULL, 16), ==, 0x555555556000 + lines);
		done += (size_t)taken;
		writes++;
	}
	g_assert_cmpuint(lines, ==, 300000);
	g_assert_cmpuint(writes, >, 2);
}

/* When older lines are dropped while a line is half read, the reader gets no torn line. */
static void test_bounded_mid_line(struct ctl_fixture *f, const void *unused)
{
	g_autoptr(GString) piece = g_string_new(NULL);
	g_autofree char *text = NULL;

	g_assert_cmpint(ctl_put(f, f->open, "brk 0\n"), ==, 0);
	g_assert_cmpint(fs_ctl_read(f->open, &f->me, piece, 5), ==, 0);
	for (int i = 0; i < 100000; i++)
		g_assert_cmpint(ctl_put(f, f->open, "brk 0\n"), ==, 0);
	text = ctl_get(f, f->open);
	g_assert_true(g_str_has_prefix(text, "555556000\n# "));
}

/* Where the budget has no room, a few results are kept, and the newest is one of them. */
static void test_no_budget(struct ctl_fixture *f, const void *unused)
{
	struct fs_budget *budget = fs_budget_new();
	struct fs_ctl_open *open;
	struct budget_share all;

	budget_open(budget, 0, &all);
	g_assert_true(budget_resize(&all, BUDGET_BYTES / 2));
	f->mount.budget = budget;
	open = fs_ctl_open(&f->mount, f->process, 0);
	g_assert_cmpint(ctl_put(f, open, "sbrk 4K\n"), ==, 0);
	for (int i = 0; i < 10000; i++)
		g_assert_cmpint(ctl_put(f, open, i < 9999 ? "sbrk 0\n" : "brk 0\n"), ==, 0);
	g_autofree char *text = ctl_get(f, open);
	g_assert_true(g_str_has_prefix(text, "# "));
	g_assert_true(g_str_has_suffix(text, "\n0x555555557000\n"));
	g_assert_cmpuint(strlen(text), <=, 4096 + 100);
	fs_ctl_free(open);
	f->mount.budget = NULL;
	budget_close(&all);
	fs_budget_free(budget);
}

/* --- Many at once ----------------------------------------------------------------------------- */

enum { CLIENTS = 50, ROUNDS = 40 };

struct client {
	struct ctl_fixture *f;
	uint64_t base;
};

/* Each client maps its own pages, and must get its own addresses back in its own order. */
static void *run_client(void *ctx)
{
	struct client *client = ctx;
	struct fs_ctl_open *open = fs_ctl_open(&client->f->mount, client->f->process, 0);

	for (uint64_t i = 0; i < ROUNDS; i++) {
		uint64_t addr = client->base + i * 8192;
		g_autofree char *line = g_strdup_printf(
		    "mmap 0x%" G_GINT64_MODIFIER
		    "x 4K rw- private,anon,fixed\naccess w %" G_GUINT64_FORMAT "\ntranslate 1\n",
		    addr, addr);
		g_autofree char *wanted = g_strdup_printf(
		    "0x%" G_GINT64_MODIFIER "x\n%016" G_GINT64_MODIFIER "x ", addr, addr);
		g_autofree char *got = NULL;

		g_assert_cmpint(ctl_put(client->f, open, line), ==, 0);
		got = ctl_get_in_steps(client->f, open, 13);
		g_assert_true(g_str_has_prefix(got, wanted));
		g_assert_nonnull(strstr(got, "\n0x1 -> fatal segv-maperr"));
	}
	fs_ctl_free(open);
	return NULL;
}

static void test_clients(struct ctl_fixture *f, const void *unused)
{
	pthread_t threads[CLIENTS];
	struct client clients[CLIENTS];

	for (int i = 0; i < CLIENTS; i++) {
		clients[i] = (struct client){f, 0x100000000 + 0x1000000 * (uint64_t)i};
		g_assert_cmpint(pthread_create(&threads[i], NULL, run_client, &clients[i]), ==, 0);
	}
	for (int i = 0; i < CLIENTS; i++)
		pthread_join(threads[i], NULL);
}

/* Nothing is kept of processes that ended, even if another process ended them. */
static void test_records_go(struct ctl_fixture *f, const void *unused)
{
	for (int i = 0; i < 2000; i++) {
		pid_t pid = (pid_t)ctl_ask_number(f, f->process, "fork\n");
		struct vm_process *child = vm_process_find(f->mount.machine, pid);

		g_free(ctl_ask(f, child, i % 2 != 0 ? "brk 0\n" : "exit\n"));
		vm_process_exit(child, 0);
		vm_process_unref(child);
	}
}

#define ADD(path, function) \
	g_test_add(path, struct ctl_fixture, NULL, ctl_set_up, function, ctl_tear_down)

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	ADD("/ctl/stream/answers", test_answers);
	ADD("/ctl/stream/byte-by-byte", test_byte_by_byte);
	ADD("/ctl/stream/ends", test_ends);
	ADD("/ctl/stream/shared-close", test_shared_close);
	ADD("/ctl/stream/failure-stops", test_failure_stops);
	ADD("/ctl/stream/words", test_words);
	ADD("/ctl/stream/nul", test_nul);
	ADD("/ctl/stream/terminal-bytes", test_terminal_bytes);
	ADD("/ctl/stream/long-line", test_long_line);
	ADD("/ctl/stream/line-budget", test_line_budget);
	ADD("/ctl/stream/readers", test_readers);
	ADD("/ctl/stream/bounded", test_bounded);
	ADD("/ctl/stream/short-write", test_short_write);
	ADD("/ctl/stream/bounded-mid-line", test_bounded_mid_line);
	ADD("/ctl/stream/no-budget", test_no_budget);
	ADD("/ctl/stream/clients", test_clients);
	ADD("/ctl/stream/records-go", test_records_go);
	return g_test_run();
}
