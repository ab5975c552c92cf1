/*
 * test_run_pipes.c - pipes, the console, poll and select of programs (fs/run/), compared with
 * the kernel.
 */
#include "fs/run/console.h"
#include "tests/fixture/both_fixture.h"

#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- Pipes, the console, poll ----------------------------------------------------------------- */

static void test_pipe(struct both_fixture *f, const void *unused)
{
	long hello = (long)both_text(f, "hello");
	struct pollfd fds[] = {
	    {3, POLLIN | POLLOUT, 0}, {4, POLLIN | POLLOUT, 0}, {77, POLLIN, 0}, {-1, POLLIN, 0}};

	SAME(f, SYS_pipe2, DATA, O_NONBLOCK);
	both_bytes(f, DATA, 8);
	SAME(f, SYS_fcntl, 3, F_GETFL);
	SAME(f, SYS_fcntl, 4, F_GETFL);
	FAILS(f, EAGAIN, SYS_read, 3, DATA, 10);
	FAILS(f, EBADF, SYS_read, 4, DATA, 10);
	FAILS(f, EBADF, SYS_write, 3, DATA, 10);
	FAILS(f, ESPIPE, SYS_lseek, 3, 0, SEEK_SET);
	FAILS(f, ESPIPE, SYS_pread64, 3, DATA, 1, 0);
	g_assert_cmpint(SAME(f, SYS_write, 4, hello, 5), ==, 5);
	SAME(f, SYS_ioctl, 3, FIONREAD, DATA);
	both_bytes(f, DATA, 4);
	both_put(f, DATA, fds, sizeof fds);
	SAME(f, SYS_poll, DATA, 4, 0);
	both_bytes(f, DATA, sizeof fds);
	g_assert_cmpint(SAME(f, SYS_read, 3, DATA, 3), ==, 3);
	g_assert_cmpint(SAME(f, SYS_read, 3, DATA, 10), ==, 2);
	both_bytes(f, DATA, 10);
	g_assert_cmpint(SAME(f, SYS_fcntl, 3, F_GETPIPE_SZ), ==, 65536);
	/* Full, and then a write of a page is not parted. */
	g_assert_cmpint(SAME(f, SYS_write, 4, DATA, 100000), ==, 65536);
	FAILS(f, EAGAIN, SYS_write, 4, DATA, 1);
	both_put(f, DATA, fds, sizeof fds);
	SAME(f, SYS_poll, DATA, 2, 0);
	both_bytes(f, DATA, sizeof fds);
	g_assert_cmpint(SAME(f, SYS_read, 3, DATA, 65536), ==, 65536);
	SAME(f, SYS_write, 4, hello, 5);
	SAME(f, SYS_close, 4);
	both_put(f, DATA, fds, sizeof fds);
	SAME(f, SYS_poll, DATA, 1, -1);
	both_bytes(f, DATA, sizeof fds);
	g_assert_cmpint(SAME(f, SYS_read, 3, DATA, 10), ==, 5);
	g_assert_cmpint(SAME(f, SYS_read, 3, DATA, 10), ==, 0);
	both_put(f, DATA, fds, sizeof fds);
	SAME(f, SYS_poll, DATA, 1, -1);
	both_bytes(f, DATA, sizeof fds);
	FAILS(f, EFAULT, SYS_pipe, NOWHERE);
	/* Without a reader, a writer gets a signal besides. */
	SAME(f, SYS_pipe, DATA);
	SAME(f, SYS_close, 4);
	FAILS(f, EPIPE, SYS_write, 5, hello, 5);
	g_assert_cmpuint(f->program->signals.pending, ==, UINT64_C(1) << (SIGPIPE - 1));
	f->program->signals.pending = 0;
	SAME(f, SYS_close, 5);
	FAILS(f, EINVAL, SYS_pipe2, DATA, O_APPEND);
	FAILS(f, ENODEV, SYS_mmap, 0, 4096, PROT_READ, MAP_PRIVATE, 3, 0);
}

/* A call that must wait sleeps, and goes on when it is made again. */
static void test_pipe_sleep(struct both_fixture *f, const void *unused)
{
	struct program *program = f->program;

	g_assert_cmpint(ALONE(f, SYS_pipe, DATA), ==, 0);
	g_assert_cmpint(ALONE(f, SYS_read, 3, DATA, 10), ==, CALL_SLEEPS);
	g_assert_cmpint(program->state, ==, PROGRAM_BLOCKED);
	struct vm_file *writer = vm_process_file(program->process, 4);
	g_assert_cmpint(ALONE(f, SYS_close, 4), ==, 0);
	g_assert_cmpint(program->state, ==, PROGRAM_BLOCKED);
	g_assert_cmpint(vm_process_open_at(program->process, writer, 4, false), ==, 4);
	vm_file_unref(writer);
	/* As another program: it wakes the sleeper. */
	g_assert_cmpint(ALONE(f, SYS_write, 4, (long)both_text(f, "hello"), 5), ==, 5);
	g_assert_cmpint(program->state, ==, PROGRAM_READY);
	g_assert_cmpint(ALONE(f, SYS_read, 3, DATA, 10), ==, 5);
	program->again = program->call_due = false;
	/* A large write is done in parts, and answers how much it was in all. */
	g_assert_cmpint(ALONE(f, SYS_write, 4, DATA, 100000), ==, CALL_SLEEPS);
	size_t moved = program->moved;
	g_assert_cmpuint(moved, ==, 65536);
	program->again = false;
	g_assert_cmpint(ALONE(f, SYS_read, 3, DATA, 65536), ==, 65536);
	program->again = true;
	program->moved = moved;
	g_assert_cmpint(ALONE(f, SYS_write, 4, DATA, 100000), ==, 100000);
	program->again = false;
	/* A poll ends when its time is over. */
	struct pollfd fds[] = {{0, POLLIN, 0}};
	both_put(f, DATA, fds, sizeof fds);
	g_assert_cmpint(ALONE(f, SYS_poll, DATA, 1, 20), ==, CALL_SLEEPS);
	g_assert_true(program->again);
	while (run_now(f->run) < program->deadline)
		g_usleep(1000);
	g_assert_cmpint(ALONE(f, SYS_poll, DATA, 1, 20), ==, 0);
	program->again = program->call_due = false;
}

static void test_select(struct both_fixture *f, const void *unused)
{
	struct timeval none = {0, 0};
	fd_set in, out;

	SAME(f, SYS_pipe2, DATA, 0);
	FD_ZERO(&in);
	FD_ZERO(&out);
	FD_SET(3, &in);
	FD_SET(4, &out);
	FD_SET(4, &in);
	both_put(f, DATA, &in, sizeof in);
	both_put(f, DATA + 256, &out, sizeof out);
	both_put(f, DATA + 512, &none, sizeof none);
	g_assert_cmpint(SAME(f, SYS_select, 5, DATA, DATA + 256, 0, DATA + 512), ==, 1);
	both_bytes(f, DATA, 512);
	SAME(f, SYS_write, 4, (long)both_text(f, "x"), 1);
	both_put(f, DATA, &in, sizeof in);
	both_put(f, DATA + 256, &out, sizeof out);
	g_assert_cmpint(SAME(f, SYS_pselect6, 5, DATA, DATA + 256, 0, 0, 0), ==, 2);
	both_bytes(f, DATA, 512);
	FD_SET(40, &in);
	both_put(f, DATA, &in, sizeof in);
	FAILS(f, EBADF, SYS_select, 41, DATA, 0, 0, DATA + 512);
	FAILS(f, EINVAL, SYS_select, -1, DATA, 0, 0, DATA + 512);
	FAILS(f, EFAULT, SYS_select, 5, NOWHERE, 0, 0, DATA + 512);
}

static void test_console(struct both_fixture *f, const void *unused)
{
	struct console *console = f->program->place->console;
	struct stat status;
	char buf[16];

	g_assert_cmpint(ALONE(f, SYS_write, 1, (long)both_text(f, "hello"), 5), ==, 5);
	g_assert_cmpint(ALONE(f, SYS_write, 2, (long)both_text(f, "!"), 1), ==, 1);
	run_lock(f->run);
	g_assert_cmpint(console_read_locked(console, buf, sizeof buf), ==, 6);
	g_assert_cmpmem(buf, 6, "hello!", 6);
	g_assert_cmpint(console_read_locked(console, buf, sizeof buf), ==, -EAGAIN);
	g_assert_cmpint(console_type_locked(f->run, console, "abc", 3), ==, 3);
	console_type_end_locked(f->run, console);
	g_assert_cmpint(console_type_locked(f->run, console, "d", 1), ==, 1);
	run_unlock(f->run);
	g_assert_cmpint(ALONE(f, SYS_read, 0, DATA, 2), ==, 2);
	g_assert_cmpint(ALONE(f, SYS_read, 0, DATA, 9), ==, 1);
	g_assert_cmpint(ALONE(f, SYS_read, 0, DATA, 9), ==, 0);
	g_assert_cmpint(ALONE(f, SYS_read, 0, DATA, 9), ==, 1);
	g_assert_cmpint(ALONE(f, SYS_read, 0, DATA, 9), ==, CALL_SLEEPS);
	g_assert_cmpint(ALONE(f, SYS_ioctl, 1, 0x5401 /* TCGETS */, DATA), ==, -ENOTTY);
	g_assert_cmpint(ALONE(f, SYS_fstat, 1, DATA), ==, 0);
	vm_copy_in(f->program->process, DATA, &status, sizeof status);
	g_assert_cmpint(status.st_mode, ==, S_IFIFO | 0600);
	g_assert_cmpint(ALONE(f, SYS_lseek, 1, 0, SEEK_CUR), ==, -ESPIPE);
	/* If nobody reads, the oldest of it goes. */
	for (int i = 0; i < 40; i++)
		g_assert_cmpint(ALONE(f, SYS_write, 1, DATA, 100000), ==, 100000);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	BOTH_TEST("/run-pipes/pipe", test_pipe);
	BOTH_TEST("/run-pipes/pipe-sleep", test_pipe_sleep);
	BOTH_TEST("/run-pipes/select", test_select);
	BOTH_TEST("/run-pipes/console", test_console);
	return g_test_run();
}
