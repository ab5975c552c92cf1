/*
 * test_hostlink.c - files without a name, which links of /proc lead to: deleted ones, those of
 * memfd_create and O_TMPFILE. The daemon's own are not for others.
 */
#include "fs/host/hostfile.h"
#include "util/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NOBODY = 65534, FIRST_FD = 100 };

enum kind { DELETED, MEMFD, TMPFILE, NAMED, UNREADABLE, KINDS };

struct fixture {
	struct fs_mount mount;
	struct fs_caller caller;
};

/* Open a file of KIND as descriptor FIRST_FD + KIND. */
static void open_kind(enum kind kind)
{
	char name[] = "/tmp/vasfs-hostlink-XXXXXX";
	int fd = kind == MEMFD     ? memfd_create("memory", 0)
	         : kind == TMPFILE ? open("/tmp", O_TMPFILE | O_RDWR, 0700)
	                           : mkstemp(name);

	g_assert_cmpint(fd, >=, 0);
	g_assert_cmpint(write(fd, "text\n", 5), ==, 5);
	g_assert_cmpint(fchmod(fd, kind == UNREADABLE ? 0 : 0755), ==, 0);
	if (kind != MEMFD && kind != TMPFILE && kind != NAMED)
		g_assert_cmpint(unlink(name), ==, 0);
	/* Reopened for reading, so that nobody writes it. */
	g_autofree char *path = g_strdup_printf("/proc/self/fd/%d", fd);
	int reading = open(path, O_RDONLY);
	g_assert_true(reading >= 0 || kind == UNREADABLE);
	g_assert_cmpint(dup2(reading >= 0 ? reading : fd, FIRST_FD + (int)kind), >=, 0);
	close(fd);
	if (reading >= 0)
		close(reading);
}

/* Start the caller, a process of user ID that has a file of each kind open. */
static void set_up_as(struct fixture *f, uid_t id)
{
	struct vm_config config;
	int ready[2];
	char byte;

	vm_config_init(&config);
	config.ram = 1 << 20;
	f->mount =
	    (struct fs_mount){.machine = vm_machine_new(&config, NULL), .daemon_uid = getuid()};
	f->mount.proc = f->mount.proc_pids = proc_open();
	f->caller = (struct fs_caller){.uid = id, .gid = id};
	g_assert_cmpint(pipe(ready), ==, 0);
	f->caller.pid = fork();
	g_assert_cmpint(f->caller.pid, >=, 0);
	if (f->caller.pid == 0) {
		if (id != getuid() && (setgid(id) < 0 || setuid(id) < 0))
			_exit(1);
		for (enum kind kind = 0; kind < KINDS; kind++)
			open_kind(kind);
		prctl(PR_SET_DUMPABLE, 1);
		if (write(ready[1], "", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(ready[1]);
	g_assert_cmpint(read(ready[0], &byte, 1), ==, 1);
	close(ready[0]);
}

static void set_up(struct fixture *f, const void *unused)
{
	set_up_as(f, getuid() == 0 ? NOBODY : getuid());
}

static void tear_down(struct fixture *f, const void *unused)
{
	g_autofree char *link =
	    g_strdup_printf("/proc/%d/fd/%d", (int)f->caller.pid, FIRST_FD + NAMED);
	g_autofree char *name = g_file_read_link(link, NULL);

	if (name != NULL)
		unlink(name);
	kill(f->caller.pid, SIGKILL);
	waitpid(f->caller.pid, NULL, 0);
	vm_machine_free(f->mount.machine);
	close(f->mount.proc);
}

/* Open PATH as CALLER, to run it if EXECUTABLE. Returns 0 or a negative errno. */
static int try_open(struct fixture *f, const struct fs_caller *caller, const char *path,
                    bool executable)
{
	struct hostfile_context context = {&f->mount, caller};
	struct vm_opener opener = hostfile_opener(&context);
	int error = 0;
	struct vm_file *file = opener.open(opener.ctx, path, executable, &error);

	g_assert_cmpint(file == NULL, ==, error < 0);
	if (file != NULL)
		vm_file_unref(file);
	return error;
}

static char *link_of(pid_t pid, int fd)
{
	return g_strdup_printf("/proc/%d/fd/%d", (int)pid, fd);
}

/* They can be mapped and run, by /proc/PID and by /proc/self, which is the caller's. */
static void test_kinds(struct fixture *f, const void *unused)
{
	for (enum kind kind = 0; kind < KINDS; kind++) {
		g_autofree char *by_pid = link_of(f->caller.pid, FIRST_FD + (int)kind);
		g_autofree char *by_self =
		    g_strdup_printf("/proc/self/fd/%d", FIRST_FD + (int)kind);
		g_autofree char *by_task =
		    g_strdup_printf("/proc/%d/task/%d/fd/%d", (int)f->caller.pid,
		                    (int)f->caller.pid, FIRST_FD + (int)kind);
		int wanted = kind == UNREADABLE && f->caller.uid != 0 ? -EACCES : 0;
		g_assert_cmpint(try_open(f, &f->caller, by_pid, false), ==, wanted);
		g_assert_cmpint(try_open(f, &f->caller, by_pid, true), ==, wanted);
		g_assert_cmpint(try_open(f, &f->caller, by_self, true), ==, wanted);
		g_assert_cmpint(try_open(f, &f->caller, by_task, true), ==, wanted);
	}
}

/* It is a file, nothing goes on behind it; and nobody else may look into the process. */
static void test_refused(struct fixture *f, const void *unused)
{
	g_autofree char *link = link_of(f->caller.pid, FIRST_FD + DELETED);
	g_autofree char *behind = g_strconcat(link, "/", NULL);
	g_autofree char *below = g_strconcat(link, "/x", NULL);
	struct fs_caller other = f->caller;

	g_assert_cmpint(try_open(f, &f->caller, behind, false), <, 0);
	g_assert_cmpint(try_open(f, &f->caller, below, false), <, 0);
	if (getuid() != 0)
		return;
	other.uid = other.gid = 1234;
	g_assert_cmpint(try_open(f, &other, link, false), ==, -EACCES);
}

/* The daemon may follow its own links, whoever asks: so it does not, also not by its threads. */
static void test_own(struct fixture *f, const void *unused)
{
	int fd = memfd_create("daemon", 0);
	g_autofree char *by_pid = link_of(getpid(), fd);
	g_autofree char *by_task =
	    g_strdup_printf("/proc/%d/task/%d/fd/%d", (int)getpid(), (int)gettid(), fd);

	g_assert_cmpint(fd, >=, 0);
	g_assert_cmpint(try_open(f, &f->caller, by_pid, false), <, 0);
	g_assert_cmpint(try_open(f, &f->caller, by_task, false), <, 0);
	close(fd);
}

#define ADD(path, function) g_test_add(path, struct fixture, NULL, set_up, function, tear_down)

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	ADD("/hostlink/kinds", test_kinds);
	ADD("/hostlink/refused", test_refused);
	ADD("/hostlink/own", test_own);
	return g_test_run();
}
