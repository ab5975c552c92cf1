/*
 * vm_host.c - see vm_host.h.
 */
#include "tests/vm_host.h"

#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MAX_STEPS = 64, MAPS_ROOM = 1 << 16 };

/* What the child tells. */
struct report {
	int64_t result[MAX_STEPS];
	int64_t of_child; /* a fork's child leaves it here */
	char maps[MAPS_ROOM];
	size_t maps_len;
};

/* --- In the child --------------------------------------------------------------------------------- */

static sigjmp_buf escape;
static volatile int signal_code;

static void on_signal(int signal, siginfo_t *info, void *context)
{
	signal_code = info->si_code;
	siglongjmp(escape, signal);
}

/* The signal that an access to ADDR raises, or 0. */
__attribute__((no_sanitize("address", "thread", "undefined"))) static int64_t host_access(uint64_t addr, bool store)
{
	volatile uint8_t *byte = (volatile uint8_t *)addr;
	int signal = sigsetjmp(escape, 1);

	if (signal != 0)
		return signal;
	if (store)
		*byte = 1;
	else
		(void)*byte;
	return 0;
}

/* The byte at ADDR, or 256 + the signal. */
__attribute__((no_sanitize("address", "thread", "undefined"))) static int64_t host_byte(uint64_t addr)
{
	int signal = sigsetjmp(escape, 1);

	return signal != 0 ? 256 + signal : *(volatile uint8_t *)addr;
}

static int64_t host_child_byte(uint64_t addr, struct report *report)
{
	pid_t pid = (pid_t)syscall(SYS_fork);

	if (pid == 0) {
		report->of_child = host_byte(addr);
		syscall(SYS_exit_group, 0);
	}
	syscall(SYS_wait4, pid, NULL, 0, NULL);
	return report->of_child;
}

static int64_t vec_bits(const uint8_t *vec, uint64_t len)
{
	int64_t bits = 0;

	for (uint64_t i = 0; i < (len + PAGE - 1) / PAGE; i++)
		bits |= (int64_t)(vec[i] & 1) << i;
	return bits;
}

static int64_t host_mincore(const struct host_step *step)
{
	uint8_t vec[64];

	return syscall(SYS_mincore, step->addr, step->len, vec) == 0 ? vec_bits(vec, step->len) : -errno;
}

static int64_t system_call(long number, const struct host_step *s, const int fds[])
{
	long result;

	if (number == SYS_mmap)
		result = syscall(number, s->addr, s->len, s->a, s->b, fds[s->c], s->d);
	else
		result = syscall(number, s->addr, s->len, s->a, s->b, s->c);
	return result == -1 ? -errno : result;
}

static int64_t host_step(const struct host_step *step, const int fds[], struct report *report)
{
	static const long numbers[] = {[MMAP] = SYS_mmap,     [MUNMAP] = SYS_munmap, [MPROTECT] = SYS_mprotect,
	                               [MREMAP] = SYS_mremap, [MSYNC] = SYS_msync,   [MADVISE] = SYS_madvise};

	switch (step->call) {
	case STORE:
	case LOAD:
		return host_access(step->addr, step->call == STORE);
	case CODE:
		return host_access(step->addr, false) != 0 ? signal_code : 0;
	case BYTE:
		return host_byte(step->addr);
	case CHILD_BYTE:
		return host_child_byte(step->addr, report);
	case MINCORE:
		return host_mincore(step);
	default:
		return system_call(numbers[step->call], step, fds);
	}
}

static void read_maps(struct report *report)
{
	int fd = open("/proc/self/maps", O_RDONLY);
	ssize_t n;

	while ((n = read(fd, report->maps + report->maps_len, MAPS_ROOM - 1 - report->maps_len)) > 0)
		report->maps_len += (size_t)n;
	close(fd);
}

static void run_child(const struct host_step *steps, size_t count, const char *path, struct report *report)
{
	int fds[] = {[NO_FILE] = -1,
	             [RDONLY] = open(path, O_RDONLY),
	             [RDWR] = open(path, O_RDWR),
	             [WRONLY] = open(path, O_WRONLY),
	             [BAD_FD] = -1};

	struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO};

	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGBUS, &action, NULL);
	for (size_t i = 0; i < count; i++)
		report->result[i] = host_step(&steps[i], fds, report);
	read_maps(report);
	_exit(0);
}

/* --- In the engine -------------------------------------------------------------------------------- */

/* The files of a script, one open each, as the child's. */
struct engine_files {
	struct vm_file *file[BAD_FD + 1];
};

static void open_files(struct vm_fixture *f, const char *path, struct engine_files *files)
{
	static const int access[] = {[RDONLY] = O_RDONLY, [RDWR] = O_RDWR, [WRONLY] = O_WRONLY};

	*files = (struct engine_files){{NULL}};
	for (int i = RDONLY; i <= WRONLY; i++)
		files->file[i] = open_file(f, path, access[i]);
}

static void close_files(struct engine_files *files)
{
	for (int i = RDONLY; i <= WRONLY; i++)
		vm_file_unref(files->file[i]);
}

static int64_t engine_access(struct vm_fixture *f, const struct host_step *s)
{
	struct vm_fault record;
	int error = touch(f->process, s->addr, s->call == STORE ? VM_ACCESS_WRITE : VM_ACCESS_READ, &record);

	if (error == 0 && s->call == STORE)
		put(f->process, s->addr, 1);

	return error == 0 ? 0 : error == -EIO ? SIGBUS : error == -EFAULT || error == -EACCES ? SIGSEGV : error;
}

static int64_t engine_code(struct vm_fixture *f, const struct host_step *s)
{
	struct vm_process_info info;

	if (engine_access(f, s) == 0)
		return 0;
	vm_process_info(f->process, &info);
	return info.last_code;
}

static int64_t engine_byte(struct vm_process *process, uint64_t addr)
{
	int byte = get(process, addr);

	return byte >= 0 ? byte : 256 + (byte == -EIO ? SIGBUS : SIGSEGV);
}

static int64_t engine_child_byte(struct vm_process *process, uint64_t addr)
{
	struct vm_process *child = fork_of(process);
	int64_t byte = engine_byte(child, addr);

	end(child);
	return byte;
}

static int64_t engine_mincore(struct vm_process *process, const struct host_step *s)
{
	uint8_t vec[64];
	int error = vm_mincore(process, s->addr, s->len, vec);

	return error == 0 ? vec_bits(vec, s->len) : error;
}

static int64_t engine_step(struct vm_fixture *f, const struct host_step *s, const struct engine_files *files)
{
	switch (s->call) {
	case MMAP:
		return vm_mmap(f->process, s->addr, s->len, (int)s->a, (int)s->b, files->file[s->c], s->d);
	case MUNMAP:
		return vm_munmap(f->process, s->addr, s->len);
	case MPROTECT:
		return vm_mprotect(f->process, s->addr, s->len, (int)s->a);
	case MREMAP:
		return vm_mremap(f->process, s->addr, s->len, s->a, (int)s->b, s->c);
	case MSYNC:
		return vm_msync(f->process, s->addr, s->len, (int)s->a);
	case MADVISE:
		return vm_madvise(f->process, s->addr, s->len, (int)s->a);
	case CODE:
		return engine_code(f, s);
	case BYTE:
		return engine_byte(f->process, s->addr);
	case CHILD_BYTE:
		return engine_child_byte(f->process, s->addr);
	case MINCORE:
		return engine_mincore(f->process, s);
	default:
		return engine_access(f, s);
	}
}

/* --- Comparing ------------------------------------------------------------------------------------ */

/* A result as text: an address of the arena, "somewhere", or the errno or signal. */
static char *result_text(int64_t result)
{
	if (result < 0)
		return g_strdup(g_strerror((int)-result));
	if ((result >= (int64_t)ARENA && result < (int64_t)ARENA_END) || result < 4096)
		return g_strdup_printf("%#lx", result);
	return g_strdup("somewhere else");
}

static char *step_text(const struct host_step *s, size_t i)
{
	static const char *const names[] = {"mmap",  "munmap", "mprotect", "mremap", "msync",      "madvise",
	                                    "store", "load",   "code",     "byte",   "child_byte", "mincore"};

	return g_strdup_printf("step %zu: %s(%#lx, %#lx, %#lx, %#lx, %#lx, %#lx)", i, names[s->call], s->addr, s->len,
	                       s->a, s->b, s->c, s->d);
}

/* The lines of the child's maps that areas_text would have. */
static char *host_areas(const struct report *report)
{
	g_auto(GStrv) lines = g_strsplit(report->maps, "\n", -1);
	GString *text = g_string_new(NULL);

	for (char **line = lines; *line != NULL; line++) {
		unsigned long start, stop, offset;
		char perm[5];
		if (sscanf(*line, "%lx-%lx %4s %lx", &start, &stop, perm, &offset) == 4 && start >= ARENA &&
		    start < ARENA_END)
			g_string_append_printf(text, "%lx-%lx %s %lx\n", start, stop, perm, offset);
	}
	return g_string_free(text, FALSE);
}

static void compare(struct vm_fixture *f, const struct host_step *steps, size_t count, const struct engine_files *files,
                    const struct report *report)
{
	for (size_t i = 0; i < count; i++) {
		g_autofree char *host = result_text(report->result[i]);
		g_autofree char *engine = result_text(engine_step(f, &steps[i], files));
		g_autofree char *step = step_text(&steps[i], i);
		if (strcmp(host, engine) != 0)
			g_test_message("%s: Linux says %s, the engine %s", step, host, engine);
		if (strcmp(host, engine) != 0)
			g_test_fail();
		g_autofree char *wrong = vm_machine_check(f->machine);
		if (wrong != NULL)
			g_test_message("%s: %s", step, wrong);
		if (wrong != NULL)
			g_test_fail();
	}
	g_autofree char *host = host_areas(report);
	g_autofree char *engine = areas_text(f->process);
	g_autofree char *last = step_text(&steps[count - 1], count - 1);
	if (strcmp(host, engine) != 0) {
		g_test_message("after %s: areas of Linux:\n%sof the engine:\n%s", last, host, engine);
		g_test_fail();
	}
}

/* The engine models this kernel; an older host merges, moves and refuses otherwise in places. */
static bool host_is_recent(void)
{
	struct utsname host;
	int major = 0, minor = 0;

	uname(&host);
	sscanf(host.release, "%d.%d", &major, &minor);
	return major > 6 || (major == 6 && minor >= 17);
}

void assert_same(struct vm_fixture *f, const struct host_step *steps, size_t count)
{
	g_autofree char *path = make_file(f, "host", 4 * PAGE, 'A');
	struct engine_files files;
	int status;

	if (!host_is_recent()) {
		g_test_skip("the host's kernel is older than 6.17");
		return;
	}
	g_assert_cmpuint(count, <=, MAX_STEPS);
	struct report *report = mmap(NULL, sizeof *report, RW, SHARED_ANON, -1, 0);
	pid_t pid = fork();
	if (pid == 0)
		run_child(steps, count, path, report);
	g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
	g_assert_cmpint(status, ==, 0);
	open_files(f, path, &files);
	compare(f, steps, count, &files, report);
	close_files(&files);
	end(f->process);
	f->process = spawn(f);
	munmap(report, sizeof *report);
}

void assert_each_same(struct vm_fixture *f, const struct host_step *preparation, size_t preparing,
                      const struct host_step *steps, size_t count)
{
	struct host_step script[MAX_STEPS];

	g_assert_cmpuint(preparing, <, MAX_STEPS);
	for (size_t i = 0; i < preparing; i++)
		script[i] = preparation[i];
	for (size_t i = 0; i < count; i++) {
		script[preparing] = steps[i];
		assert_same(f, script, preparing + 1);
	}
}
