/*
 * test_commands.c - the commands of ctl files against a real machine, without a mount.
 */
#include "tests/fixture/ctl_fixture.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* --- Commands to a process -------------------------------------------------------------------- */

static void test_bad_commands(struct ctl_fixture *f, const void *unused)
{
	static const struct {
		const char *command;
		int error;
	} bad[] = {
	    {"mmap", EINVAL},
	    {"mmap 0 4K rw-", EINVAL},
	    {"mmap 0 4K rw- private,anon x 0 y", EINVAL},
	    {"mmap 0 0 rw- private,anon", EINVAL},
	    {"mmap 0 -4K rw- private,anon", EINVAL},
	    {"mmap 0 18446744073709551616 rw- private,anon", EINVAL},
	    {"mmap 0x10000000000000000 4K rw- private,anon", EINVAL},
	    {"mmap 4K 4K rw- private,anon", EINVAL},
	    {"mmap 0 4X rw- private,anon", EINVAL},
	    {"mmap 0 4K -w-x private,anon", EINVAL},
	    {"mmap 0 4K '' private,anon", EINVAL},
	    {"mmap 0 4K rw-- private,anon", EINVAL},
	    {"mmap 0 4K wr- private,anon", EINVAL},
	    {"mmap 0 4K rw-,growsdown private,anon", EINVAL},
	    {"mmap 0 4K rw- anon", EINVAL},
	    {"mmap 0 4K rw- private,shared,anon", EINVAL},
	    {"mmap 0 4K rw- shared,shared_validate,anon", EINVAL},
	    {"mmap 0 4K rw- private,anon,", EINVAL},
	    {"mmap 0 4K rw- ''", EINVAL},
	    {"mmap 0 4K rw- private,anon,huge", EINVAL},
	    {"mmap 0 4K rw- PRIVATE,anon", EINVAL},
	    {"mmap 0 4K rw- private,anon,rdonly", EINVAL},
	    {"mmap 0 4K rw- private,anon /etc/passwd", EINVAL},
	    {"mmap 0 4K rw- private,rdonly,rdwr /etc/passwd", EINVAL},
	    {"mmap - 4K rw- private,anon,fixed", EINVAL},
	    {"mmap - 4K rw- private,anon,fixed_noreplace", EINVAL},
	    {"mmap 0x10001 4K rw- private,anon,fixed", EINVAL},
	    {"mmap 0 4K rw- private", EBADF},
	    {"mmap 0 4K r-- private fd:0", EBADF},
	    {"mmap 0 4K r-- private fd:99999999999", EBADF},
	    {"mmap 0 4K r-- private fd:", EINVAL},
	    {"mmap 0 4K r-- private fd:x", EINVAL},
	    {"mmap 0 4K r-- private,rdonly fd:0", EINVAL},
	    {"mmap 0 4K r-- private /nonexistent/file", ENOENT},
	    {"mmap 0 4K r-- private /dev/null", ENODEV},
	    {"mmap 0 4K r-- private /", ENODEV},
	    {"mmap 0 4K r-- private ''", ENOENT},
	    {"munmap 0x1000", EINVAL},
	    {"munmap - 4K", EINVAL},
	    {"munmap 0x1001 4K", EINVAL},
	    {"munmap 0x1000 0", EINVAL},
	    {"mprotect 0x1000 4K rw", ENOMEM},
	    {"mprotect 0x1000 4K ,growsdown", EINVAL},
	    {"mprotect 0x1000 4K rw-", ENOMEM},
	    {"mprotect 0x1000 4K rw-,growsup", EINVAL},
	    {"mremap 0x1000 4K", EINVAL},
	    {"mremap 0x1000 4K 8K may", EINVAL},
	    {"mremap 0x1000 4K 8K fixed,maymove", EINVAL},
	    {"mremap 0x1000 4K 8K maymove", EFAULT},
	    {"open", EINVAL},
	    {"open /nonexistent", ENOENT},
	    {"open / rdonly", ENODEV},
	    {"open /etc/passwd append", EINVAL},
	    {"open /etc/passwd rdonly,rdwr", EINVAL},
	    {"close 0", EBADF},
	    {"close -1", EINVAL},
	    {"close 4294967296", EBADF},
	    {"brk", EINVAL},
	    {"brk -1", EINVAL},
	    {"brk -", EINVAL},
	    {"sbrk --1", EINVAL},
	    {"sbrk -", EINVAL},
	    {"sbrk 0x8000000000000000", EINVAL},
	    {"sbrk -0x8000000000000001", EINVAL},
	    {"sbrk -1G", ENOMEM},
	    {"sbrk 200T", ENOMEM},
	    {"msync 0x1000 4K", EINVAL},
	    {"msync 0x1000 4K sync,async", EINVAL},
	    {"msync 0x1000 4K sync", ENOMEM},
	    {"msync 0x1001 4K sync", EINVAL},
	    {"fork 1", EINVAL},
	    {"exec", EINVAL},
	    {"exec -k", EINVAL},
	    {"exec /nonexistent", ENOENT},
	    {"exec /", EACCES},
	    {"exec /etc/passwd", EACCES},
	    {"exit -1", EINVAL},
	    {"exit 0 0", EINVAL},
	    {"kill NOSUCH", EINVAL},
	    {"kill 65", EINVAL},
	    {"kill -9", EINVAL},
	    {"access r", EINVAL},
	    {"access rw 0x1000", EINVAL},
	    {"access r,w 0x1000", EINVAL},
	    {"access '' 0x1000", EINVAL},
	    {"access r - ", EINVAL},
	    {"access r 7ffffffde000", EINVAL},
	    {"access r stack-0x7fffffffffff", EINVAL},
	    {"access r sp+", EINVAL},
	    {"access r nosuch", EINVAL},
	    {"access r vdso", EINVAL},
	    {"access r 0x1000 0", EINVAL},
	    {"access r 0x1000", EFAULT},
	    {"access r 0x1000 17G", E2BIG},
	    {"access r 0x7ffffffff000", EFAULT},
	    {"peek", EINVAL},
	    {"peek 0x1000 0", EINVAL},
	    {"peek 0x1000", EFAULT},
	    {"peek stack 64K 1", EINVAL},
	    {"peek stack 65537", E2BIG},
	    {"poke stack", EINVAL},
	    {"poke stack ''", EINVAL},
	    {"poke stack hex:", EINVAL},
	    {"poke stack hex:abc", EINVAL},
	    {"poke stack hex:0x", EINVAL},
	    {"poke stack u8:256", EINVAL},
	    {"poke stack u8:-129", EINVAL},
	    {"poke stack u16:65536", EINVAL},
	    {"poke stack u32:", EINVAL},
	    {"poke stack u64:18446744073709551616", EINVAL},
	    {"poke 0x1000 x", EFAULT},
	    {"walk", EINVAL},
	    {"where", EINVAL},
	    {"where a b", EINVAL},
	    {"help nosuch", EINVAL},
	    {"help spawn", EINVAL},
	    {"translate", EINVAL},
	    {"translate -", EINVAL},
	    {"setenv", EINVAL},
	    {"setenv ''", EINVAL},
	    {"setenv A=B C", EINVAL},
	    {"spawn", EINVAL},
	    {"sync", EINVAL},
	};

	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
		ctl_expect_error(f, f->process, bad[i].command, bad[i].error);
	g_assert_cmpuint(ctl_process_count(f), ==, 1);
}

static void test_mmap_choice(struct ctl_fixture *f, const void *unused)
{
	uint64_t zero = ctl_ask_number(f, f->process, "mmap 0 4K rw- private,anon\n");
	uint64_t dash =
	    ctl_ask_number(f, f->process, "mmap - 1 rwx private,anonymous,noreserve,stack\n");
	uint64_t hint = ctl_ask_number(f, f->process, "mmap 0x7000000 0x1000 --- shared,anon\n");

	g_assert_cmpuint(zero, ==, dash + 4096);
	g_assert_cmpuint(hint, ==, 0x7000000);
	g_assert_cmpuint(
	    ctl_ask_number(f, f->process, "mmap 0x7000000 4K r-- private,anon,fixed\n"), ==,
	    0x7000000);
	ctl_expect_error(f, f->process, "mmap 0x7000000 4K r-- private,anon,fixed_noreplace",
	                 EEXIST);
	if (getuid() == 0)
		g_assert_cmpuint(
		    ctl_ask_number(f, f->process, "mmap 0 4K r-- private,anon,fixed\n"), ==, 0);
	else
		ctl_expect_error(f, f->process, "mmap 0 4K r-- private,anon,fixed", EPERM);
	g_assert_cmpuint(ctl_ask_number(f, f->process, "mmap 0 4K rw- private,anon,32bit\n"), <,
	                 UINT64_C(1) << 31);
}

/* The file is opened for writing only if a store could reach it. */
static void test_mmap_file(struct ctl_fixture *f, const void *unused)
{
	g_autofree char *shared =
	    g_strdup_printf("mmap 0x100000 8K r-- shared,fixed %s/file\n", f->dir);
	g_autofree char *private =
	    g_strdup_printf("mmap 0x200000 4K rw- private,fixed %s/file 4K\n", f->dir);
	g_autofree char *writable =
	    g_strdup_printf("mmap 0x300000 8K rw- shared,fixed %s/file\n", f->dir);
	g_autofree char *asked =
	    g_strdup_printf("mmap 0x400000 8K r-- shared,fixed,rdwr %s/file\n", f->dir);
	g_autofree char *readonly = g_strdup_printf("mmap 0 8K rw- shared,rdonly %s/file", f->dir);
	g_autofree char *wronly = g_strdup_printf("mmap 0 8K -w- shared,wronly %s/file", f->dir);
	g_autofree char *crooked = g_strdup_printf("mmap 0 8K r-- private %s/file 1", f->dir);

	g_free(ctl_ask(f, f->process, shared));
	ctl_expect_error(f, f->process, "mprotect 0x100000 4K rw-", EACCES);
	g_free(ctl_ask(f, f->process, private));
	g_free(ctl_ask(f, f->process, "mprotect 0x200000 4K r--\n"));
	g_free(ctl_ask(f, f->process, writable));
	g_free(ctl_ask(f, f->process, asked));
	g_free(ctl_ask(f, f->process, "mprotect 0x400000 4K rw-\n"));
	ctl_expect_error(f, f->process, readonly, EACCES);
	ctl_expect_error(f, f->process, wronly, EACCES);
	ctl_expect_error(f, f->process, crooked, EINVAL);
	g_free(ctl_ask(f, f->process, "msync 0x300000 8K sync,invalidate\n"));
	g_free(ctl_ask(f, f->process, "msync 0x300000 8K 0\n"));
}

static void test_descriptors(struct ctl_fixture *f, const void *unused)
{
	g_autofree char *open =
	    g_strdup_printf("open %s/file\nopen '%s/file' rdwr\nclose 0\nopen %s/file rdonly\n",
	                    f->dir, f->dir, f->dir);
	g_autofree char *answer = ctl_ask(f, f->process, open);

	g_assert_cmpstr(answer, ==, "0\n1\n0\n0");
	g_assert_cmpuint(ctl_ask_number(f, f->process, "mmap 0x100000 4K rw- shared,fixed fd:1\n"),
	                 ==, 0x100000);
	ctl_expect_error(f, f->process, "mmap 0x100000 4K rw- shared,fixed fd:0", EACCES);
	g_assert_cmpuint(ctl_ask_number(f, f->process, "close 1\n"), ==, 0);
	ctl_expect_error(f, f->process, "mmap 0 4K r-- shared fd:1", EBADF);
}

static void test_access(struct ctl_fixture *f, const void *unused)
{
	struct fs_ctl_open *open = fs_ctl_open(&f->mount, f->process, 0);
	g_autofree char *text = NULL;
	g_auto(GStrv) lines = NULL;

	g_free(ctl_ask(f, f->process, "mmap 0x10000 8K rw- private,anon,fixed\n"));
	g_assert_cmpint(
	    ctl_put(
	        f, open,
	        "access r 0x10010\naccess w 0x10fff 2\naccess r 0x10000 8K\naccess w 0x11000 8K\n"),
	    ==, -EFAULT);
	text = ctl_get(f, open);
	lines = g_strsplit(text, "\n", -1);
	g_assert_cmpuint(g_strv_length(lines), ==, 8);
	g_assert_true(g_str_has_prefix(
	    lines[0], "0000000000010010 minor zero-page area=00010000-00012000:rw-p"));
	g_assert_true(g_str_has_prefix(lines[1], "0000000000010fff minor "));
	g_assert_true(g_str_has_prefix(lines[2], "0000000000011000 minor demand-zero "));
	g_assert_cmpstr(lines[3], ==, "0000000000010000 hit tlb=hit");
	g_assert_cmpstr(lines[4], ==, "0000000000011000 hit tlb=hit");
	g_assert_cmpstr(lines[5], ==, "0000000000011000 hit tlb=hit");
	g_assert_cmpstr(lines[6], ==,
	                "error: access: EFAULT: segv-maperr at 0x12000: no area at the address "
	                "(SEGV_MAPERR) (line 4)");
	fs_ctl_free(open);
}

static void test_translate(struct ctl_fixture *f, const void *unused)
{
	g_autofree char *absent = NULL, *present = NULL;

	g_free(ctl_ask(f, f->process, "mmap 0x10000 8K rw- private,anon,fixed\n"));
	absent = ctl_ask(f, f->process, "translate 0x10123\n");
	g_assert_true(g_str_has_prefix(absent, "0x10123 -> minor zero-page"));
	g_free(ctl_ask(f, f->process, "access w 0x10123\n"));
	present = ctl_ask(f, f->process, "translate 0x10123\n");
	g_assert_true(
	    g_regex_match_simple("^0x10123 -> 0x[0-9a-f]*123 PGD=0x[0-9a-f]{16} PUD=0x[0-9a-f]{16} "
	                         "PMD=0x[0-9a-f]{16} PTE=0x[0-9a-f]{16}$",
	                         present, 0, 0));
}

static void test_fork_and_exit(struct ctl_fixture *f, const void *unused)
{
	struct fs_ctl_open *open, *reader;
	struct vm_process *child;
	pid_t pid = (pid_t)ctl_ask_number(f, f->process, "fork\n");

	child = vm_process_find(f->mount.machine, pid);
	g_assert_nonnull(child);
	g_assert_cmpuint(vm_process_cred(child).uid, ==, f->me.uid);
	open = fs_ctl_open(&f->mount, child, 0);
	reader = fs_ctl_open(&f->mount, child, 0);
	g_assert_cmpint(ctl_put(f, open, "exit 300\nbrk 0\n"), ==, -ESRCH);
	g_assert_false(vm_process_alive(child));
	ctl_expect(f, open, "0\nerror: brk: ESRCH: the process has ended (line 2)\n");
	ctl_expect(f, reader, "error: brk: ESRCH: the process has ended (line 2)\n");
	g_assert_cmpint(ctl_put(f, open, "fork\n"), ==, -ESRCH);
	fs_ctl_free(open);
	fs_ctl_free(reader);
	vm_process_unref(child);
	g_assert_null(vm_process_find(f->mount.machine, pid));
}

static void test_kill(struct ctl_fixture *f, const void *unused)
{
	g_free(ctl_ask(f, f->process, "kill 0\nkill CHLD\nkill sigcont\nkill 28\n"));
	g_assert_true(vm_process_alive(f->process));
	g_assert_cmpuint(ctl_ask_number(f, f->process, "kill sigTERM\n"), ==, 0);
	g_assert_false(vm_process_alive(f->process));
}

static void test_exec(struct ctl_fixture *f, const void *unused)
{
	uint64_t entry;
	char *exe;

	g_assert_cmpint(ctl_put(f, f->open, "setenv A 'b c'\nsetenv D\n"), ==, 0);
	ctl_expect(f, f->open, "0\n0\n");
	entry = ctl_ask_number(f, f->process, "exec -k /bin/true 'an arg'\n");
	g_assert_cmpuint(entry, >, 4096);
	exe = vm_process_exe(f->process);
	g_assert_true(g_str_has_suffix(exe, "/true"));
	g_free(exe);
}

/* --- Commands to the machine ------------------------------------------------------------------ */

static void test_machine(struct ctl_fixture *f, const void *unused)
{
	pid_t spawned = (pid_t)ctl_ask_number(f, NULL, "spawn\n");
	pid_t executed = (pid_t)ctl_ask_number(f, NULL, "exec /bin/true\n");
	g_autofree char *kill =
	    g_strdup_printf("kill %d\nkill %d KILL\n", (int)spawned, (int)executed);
	g_autofree char *answer = NULL, *help = NULL;
	struct fs_ctl_open *open = fs_ctl_open(&f->mount, NULL, 0);

	help = ctl_get(f, open);
	g_assert_cmpuint(ctl_process_count(f), ==, 3);
	g_assert_cmpint(executed, ==, spawned + 1);
	answer = ctl_ask(f, NULL, kill);
	g_assert_cmpstr(answer, ==, "0\n0");
	g_assert_cmpuint(ctl_process_count(f), ==, 1);
	g_assert_cmpuint(ctl_ask_number(f, NULL, "sync\n"), ==, 0);
	fs_ctl_free(open);
}

static void test_machine_errors(struct ctl_fixture *f, const void *unused)
{
	g_autofree char *mine = g_strdup_printf("kill %d", (int)vm_process_pid(f->process));

	ctl_expect_error(f, NULL, "exec /nonexistent", ENOENT);
	ctl_expect_error(f, NULL, "exec /etc/passwd", EACCES);
	ctl_expect_error(f, NULL, "exec -k", EINVAL);
	ctl_expect_error(f, NULL, "spawn a b", EINVAL);
	ctl_expect_error(f, NULL, "kill", EINVAL);
	ctl_expect_error(f, NULL, "kill 99999", ESRCH);
	ctl_expect_error(f, NULL, "kill 4294967297", ESRCH);
	ctl_expect_error(f, NULL, "kill 1 FOO", EINVAL);
	ctl_expect_error(f, NULL, "brk 0", EINVAL);
	g_assert_cmpuint(ctl_process_count(f), ==, 1);
	f->me.uid += 12345;
	ctl_expect_error(f, NULL, mine, EPERM);
	f->me.uid -= 12345;
}

#define ADD(path, function) \
	g_test_add(path, struct ctl_fixture, NULL, ctl_set_up, function, ctl_tear_down)

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	ADD("/commands/process/bad-commands", test_bad_commands);
	ADD("/commands/process/mmap-choice", test_mmap_choice);
	ADD("/commands/process/mmap-file", test_mmap_file);
	ADD("/commands/process/descriptors", test_descriptors);
	ADD("/commands/process/access", test_access);
	ADD("/commands/process/translate", test_translate);
	ADD("/commands/process/fork-and-exit", test_fork_and_exit);
	ADD("/commands/process/kill", test_kill);
	ADD("/commands/process/exec", test_exec);
	ADD("/commands/machine/commands", test_machine);
	ADD("/commands/machine/errors", test_machine_errors);
	return g_test_run();
}
