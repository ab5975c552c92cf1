/*
 * test_look.c - commands that look at addresses: names, where, walk, peek and poke; and the help.
 */
#include "tests/fixture/ctl_fixture.h"

#include "fs/ctl/address.h"
#include "fs/ctl/command_table.h"

#include <errno.h>
#include <string.h>

/* --- Names of addresses ----------------------------------------------------------------------- */

static uint64_t address_of(struct ctl_fixture *f, const char *text)
{
	uint64_t va = 0;
	g_autofree char *why = address_parse(f->process, text, &va);

	g_assert_cmpstr(why, ==, NULL);
	return va;
}

static void expect_no_address(struct ctl_fixture *f, const char *text, const char *wanted)
{
	uint64_t va;
	g_autofree char *why = address_parse(f->process, text, &va);

	g_test_message("%s: %s", text, why);
	g_assert_nonnull(why);
	g_assert_nonnull(strstr(why, wanted));
}

static void test_fixed_names(struct ctl_fixture *f, const void *unused)
{
	struct vm_process_info info;

	vm_process_info(f->process, &info);
	g_assert_cmphex(address_of(f, "0x123"), ==, 0x123);
	g_assert_cmphex(address_of(f, "4096+4K"), ==, 8192);
	g_assert_cmphex(address_of(f, "sp"), ==, info.layout.sp);
	g_assert_cmphex(address_of(f, "pc"), ==, info.layout.pc);
	g_assert_cmphex(address_of(f, "brk"), ==, info.layout.brk);
	g_assert_cmphex(address_of(f, "stack"), ==, 0x7ffffffde000);
	g_assert_cmphex(address_of(f, "stack-0x10"), ==, 0x7ffffffddff0);
	expect_no_address(f, "heap", "no area [heap]");
	expect_no_address(f, "heap+1", "no area [heap]");
	g_free(ctl_ask(f, f->process, "sbrk 8K\n"));
	g_assert_cmphex(address_of(f, "heap+1K"), ==, 0x555555556400);
	expect_no_address(f, "", "no name");
	expect_no_address(f, "+1", "no name");
	expect_no_address(f, "sp+x", "no name");
	expect_no_address(f, "0-1", "below 0");
	expect_no_address(f, "0xffffffffffffffff+1", "below 0 or above");
	expect_no_address(f, "0x10000000000000000", "not below 2^64");
	expect_no_address(f, "18446744073709551616", "not below 2^64");
	expect_no_address(f, "7ffffffde000", "written with 0x: 0x7ffffffde000");
	expect_no_address(f, "cafe+8", "written with 0x: 0xcafe+8");
}

static void test_file_names(struct ctl_fixture *f, const void *unused)
{
	g_autofree char *map =
	    g_strdup_printf("mmap 0x100000 8K r-- shared,fixed %s/file\n", f->dir);

	expect_no_address(f, "file", "no name");
	g_free(ctl_ask(f, f->process, map));
	g_assert_cmphex(address_of(f, "file"), ==, 0x100000);
	g_assert_cmphex(address_of(f, "file:"), ==, 0x100000);
	g_assert_cmphex(address_of(f, "file+4K"), ==, 0x101000);
	/* It is no ELF file, and has no symbols. */
	expect_no_address(f, "file:main", "no name");
	expect_no_address(f, "fil", "no name");
	g_assert_cmpuint(ctl_ask_number(f, f->process, "munmap file 4K\n"), ==, 0);
	g_assert_cmphex(address_of(f, "file"), ==, 0x101000);
}

static void test_question(struct ctl_fixture *f, const void *unused)
{
	struct fs_ctl_open *open = fs_ctl_open(&f->mount, f->process, 0);
	g_autofree char *text = NULL;

	g_free(ctl_ask(f, f->process, "mmap 0x10000 8K rw- private,anon,fixed\n"));
	g_assert_cmpint(ctl_put(f, open, "access r 11000\n"), ==, -EFAULT);
	text = ctl_get(f, open);
	g_assert_nonnull(strstr(text, "; did you mean 0x11000? (line 1)"));
	fs_ctl_free(open);
	g_assert_null(address_question(f->process, "12000"));
	g_assert_null(address_question(f->process, "0x11000"));
	g_assert_null(address_question(f->process, "65536")); /* an area is there */
	g_assert_null(address_question(f->process, "stack"));
}

/* --- where, walk ------------------------------------------------------------------------------ */

static void expect_answer(struct ctl_fixture *f, const char *command, const char *wanted)
{
	g_autofree char *answer = ctl_ask(f, f->process, command);

	g_assert_cmpstr(answer, ==, wanted);
}

static void test_where(struct ctl_fixture *f, const void *unused)
{
	g_autofree char *map =
	    g_strdup_printf("mmap 0x100000 8K r-- private,fixed %s/file 4K\n", f->dir);
	g_autofree char *wanted =
	    g_strdup_printf("00100000-00102000 r--p %s/file+0x1010 file", f->dir);

	g_free(ctl_ask(f, f->process, "mmap 0x10000 8K rw- private,anon,fixed\n"));
	expect_answer(f, "where 0x10010\n", "00010000-00012000 rw-p untouched");
	g_free(ctl_ask(f, f->process, "access r 0x10010\n"));
	expect_answer(f, "where 0x10010\n", "00010000-00012000 rw-p zero");
	g_free(ctl_ask(f, f->process, "access w 0x10010\n"));
	expect_answer(f, "where 0x10010\n", "00010000-00012000 rw-p frame=0x1");
	g_free(ctl_ask(f, f->process, "madvise 0x11000 4K guard_install\n"));
	expect_answer(f, "where 0x11000\n", "00010000-00012000 rw-p guard");
	g_free(ctl_ask(f, f->process, map));
	expect_answer(f, "where 0x100010\n", wanted);
	g_autofree char *past = ctl_ask(f, f->process, "where 0x101000\n");
	g_assert_true(g_str_has_suffix(past, " sigbus"));
	g_autofree char *gap = ctl_ask(f, f->process, "where 0x50000\n");
	g_assert_true(g_str_has_prefix(gap, "no area; below: 00010000-00012000 rw-p; above: "
	                                    "00100000-00102000 r--p /"));
}

static void test_walk(struct ctl_fixture *f, const void *unused)
{
	g_autofree char *absent = NULL, *present = NULL;

	g_free(ctl_ask(f, f->process, "mmap 0x10000 8K rw- private,anon,fixed\n"));
	absent = ctl_ask(f, f->process, "walk 0x10123\n");
	g_assert_true(g_regex_match_simple("^0x10123: PGD 0, PUD 0, PMD 0, PTE 16, offset 0x123\n"
	                                   "PGD\\[0\\] at 0x[0-9a-f]+ = 0x0{16} -> nothing\n"
	                                   "rights --- fault minor zero-page$",
	                                   absent, 0, 0));
	g_free(ctl_ask(f, f->process, "access w 0x10123\n"));
	present = ctl_ask(f, f->process, "walk 0x10123\n");
	g_assert_true(g_regex_match_simple(
	    "^0x10123: .*\n"
	    "PGD\\[0\\] at 0x[0-9a-f]+ = 0x0*([0-9a-f]+)027 P\\|RW\\|US\\|A -> table 0x\\g{1}000\n"
	    "PUD\\[0\\] at 0x\\g{1}000 = 0x0*([0-9a-f]+)027 P\\|RW\\|US\\|A -> table 0x\\g{2}000\n"
	    "PMD\\[0\\] at 0x\\g{2}000 = 0x0*([0-9a-f]+)027 P\\|RW\\|US\\|A -> table 0x\\g{3}000\n"
	    "PTE\\[16\\] at 0x\\g{3}080 = 0x80000*1067 P\\|RW\\|US\\|A\\|D\\|NX -> page 0x1000\n"
	    "rights rw- physical 0x1123$",
	    present, 0, 0));
	/* After a fork the tables are shared: the level above takes what the entry grants. */
	g_free(ctl_ask(f, f->process, "fork\n"));
	g_autofree char *shared = ctl_ask(f, f->process, "walk 0x10123\n");
	g_assert_nonnull(strstr(shared, "\nrights r-- physical 0x1123"));
}

/* Whatever an entry holds, a line has at most 79 columns. */
static void test_walk_columns(struct ctl_fixture *f, const void *unused)
{
	g_free(ctl_ask(f, f->process,
	               "mmap 0x10000 8K rw- private,anon,fixed,locked\n"
	               "access w 0x10000\n"));
	g_assert_cmpint(vm_process_clear_refs(f->process, 4), ==, 0);
	g_autofree char *text = ctl_ask(f, f->process,
	                                "walk 0x10000\nwalk 0xffff888000000000\n"
	                                "walk 0x8000000000000000\n");
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	for (char **line = lines; *line != NULL; line++)
		g_assert_cmpuint(strlen(*line), <, 80);
	g_assert_nonnull(strstr(text, "-> huge page 0x0\n"));
	g_assert_nonnull(strstr(text, "not canonical"));
}

/* --- peek, poke ------------------------------------------------------------------------------- */

static void test_peek_and_poke(struct ctl_fixture *f, const void *unused)
{
	g_free(ctl_ask(f, f->process, "mmap 0x10000 8K rw- private,anon,fixed\n"));
	expect_answer(f, "poke 0x10000 'Hi there'\n",
	              "0000000000010000 minor demand-zero area=00010000-00012000:rw-p frame=0x1 "
	              "tlb=miss");
	expect_answer(f, "poke 0x10008 hex:00fFA0\n", "0000000000010008 hit tlb=hit");
	expect_answer(f, "poke 0x1000b u16:0x1234\n", "000000000001000b hit tlb=hit");
	expect_answer(f, "poke 0x1000d u32:-2\n", "000000000001000d hit tlb=hit");
	expect_answer(f, "poke 0x10011 u8:65\n", "0000000000010011 hit tlb=hit");
	expect_answer(f, "poke 0x10012 u64:0x0102030405060708\n", "0000000000010012 hit tlb=hit");
	expect_answer(f, "peek 0x10000 27\n",
	              "00010000: 4869 2074 6865 7265 00ff a034 12fe ffff  Hi there...4....\n"
	              "00010010: ff41 0807 0605 0403 0201 00              .A.........");
	g_autofree char *usual = ctl_ask(f, f->process, "peek 0x10000\n");
	g_auto(GStrv) rows = g_strsplit(usual, "\n", -1);
	g_assert_cmpuint(g_strv_length(rows), ==, 4);
}

/* What could be read or written before a fault stays, and comes before the error. */
static void test_peek_to_the_end(struct ctl_fixture *f, const void *unused)
{
	struct fs_ctl_open *open = fs_ctl_open(&f->mount, f->process, 0);

	g_free(ctl_ask(f, f->process, "mmap 0x10000 4K rw- private,anon,fixed\n"));
	g_assert_cmpint(ctl_put(f, open, "poke 0x10ffe abcd\n"), ==, -EFAULT);
	ctl_expect(f, open,
	           "0000000000010ffe minor demand-zero area=00010000-00011000:rw-p frame=0x1 "
	           "tlb=miss\n"
	           "error: poke: EFAULT: segv-maperr at 0x11000: no area at the address "
	           "(SEGV_MAPERR) (line 1)\n");
	g_assert_cmpint(ctl_put(f, open, "peek 0x10ffe 64\n"), ==, -EFAULT);
	ctl_expect(f, open,
	           "00010ffe: 6162                                     ab\n"
	           "error: peek: EFAULT: segv-maperr at 0x11000: no area at the address "
	           "(SEGV_MAPERR) (line 1)\n");
	g_free(ctl_ask(f, f->process, "mprotect 0x10000 4K r--\n"));
	g_assert_cmpint(ctl_put(f, open, "poke 0x10000 x\n"), ==, -EACCES);
	ctl_expect(f, open,
	           "error: poke: EACCES: segv-accerr at 0x10000: the area does not permit it, its "
	           "rights are r-- (SEGV_ACCERR) (line 1)\n");
	fs_ctl_free(open);
}

/* --- help ------------------------------------------------------------------------------------- */

static void expect_narrow(const char *text)
{
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

	for (char **line = lines; *line != NULL; line++) {
		g_test_message("%s", *line);
		g_assert_cmpuint(strlen(*line), <, 80);
	}
}

static void test_help(struct ctl_fixture *f, const void *unused)
{
	for (int machine = 0; machine <= 1; machine++) {
		const struct command *commands = machine ? machine_commands : process_commands;
		struct vm_process *process = machine ? NULL : f->process;
		g_autofree char *list = ctl_ask(f, process, "help\n");

		expect_narrow(list);
		for (const struct command *c = commands; c->name != NULL; c++) {
			g_autofree char *ask = g_strdup_printf("help %s\n", c->name);
			g_autofree char *answer = ctl_ask(f, process, ask);
			g_autofree char *line = g_strdup_printf("%s\n", list);

			expect_narrow(answer);
			g_assert_true(g_str_has_prefix(answer, c->name));
			g_assert_nonnull(strstr(line, c->help));
		}
	}
	g_autofree char *mmap = ctl_ask(f, f->process, "help mmap\n");
	g_assert_true(g_str_has_prefix(mmap, "mmap ADDR LEN PROT FLAGS [FILE [OFFSET]]\n"));
	g_assert_nonnull(strstr(mmap, "fixed_noreplace"));
}

static void expect_hint(struct ctl_fixture *f, struct vm_process *process, const char *command,
                        const char *hint)
{
	struct fs_ctl_open *open = fs_ctl_open(&f->mount, process, 0);
	g_autofree char *line = g_strdup_printf("%s\n", command), *text = NULL;

	g_assert_cmpint(ctl_put(f, open, line), ==, -EINVAL);
	text = ctl_get(f, open);
	g_test_message("%s", text);
	g_assert_nonnull(strstr(text, hint));
	fs_ctl_free(open);
}

static void test_unknown(struct ctl_fixture *f, const void *unused)
{
	expect_hint(f, f->process, "mmpa", "did you mean mmap?");
	expect_hint(f, f->process, "FORK", "did you mean fork?");
	expect_hint(f, f->process, "trans", "did you mean translate?");
	expect_hint(f, f->process, "mlok", "did you mean mlock");
	expect_hint(f, f->process, "spawn", "it is one of the machine, for ctl in the mount");
	expect_hint(f, f->process, "xyzzy", "there are mmap munmap ");
	expect_hint(f, f->process, "a-command-with-a-very-long-name-indeed", "there are mmap ");
	expect_hint(f, f->process, "munmap 0 ff", "; hex is written with 0x: 0xff");
	expect_hint(f, f->process, "close 1f", "; hex is written with 0x: 0x1f");
	expect_hint(f, NULL, "fork", "it is one of a process, for PID/ctl");
	expect_hint(f, NULL, "spwn", "did you mean spawn?");
	expect_hint(f, NULL, "help mmap", "it is one of a process");
}

#define ADD(path, function) \
	g_test_add(path, struct ctl_fixture, NULL, ctl_set_up, function, ctl_tear_down)

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	ADD("/look/names/fixed", test_fixed_names);
	ADD("/look/names/files", test_file_names);
	ADD("/look/names/question", test_question);
	ADD("/look/where", test_where);
	ADD("/look/walk", test_walk);
	ADD("/look/walk-columns", test_walk_columns);
	ADD("/look/peek-and-poke", test_peek_and_poke);
	ADD("/look/peek-to-the-end", test_peek_to_the_end);
	ADD("/look/help", test_help);
	ADD("/look/unknown", test_unknown);
	return g_test_run();
}
