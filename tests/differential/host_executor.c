/*
 * host_executor.c - see host_executor.h.
 *
 * The whole program is in the shared memory before it starts. The processes pass the turn to each
 * other, and give it back at the end of the program. Then they stop, are inspected through /proc,
 * dump their pages, and end.
 */
#include "tests/differential/host_executor.h"
#include "util/linux_constants.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/futex.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATIENCE_SECONDS = 30, FIRST_KEPT_FD = 64 };

struct host {
	pid_t pid;
	struct shared *shared;
	char *machine; /* path of the program */
	char *path[FILES];
	ino_t ino[FILES];
	struct sizes base; /* of a process that has not done anything yet */
	uint32_t fill;     /* number of areas that such a process has only to fill its table */
};

/* --- Starting --------------------------------------------------------------------------------- */

/*
 * Set the limits that Linux gives to the first process, and the engine to each. mmap_base depends
 * on the limit of the stack. Only root can set them all.
 */
static bool set_limits(void)
{
	static const struct rlimit none = {RLIM_INFINITY, RLIM_INFINITY},
	                           locked = {8 << 20, 8 << 20}, stack = {8 << 20, RLIM_INFINITY};
	struct rlimit own;

	if (getuid() == 0)
		return setrlimit(RLIMIT_AS, &none) == 0 && setrlimit(RLIMIT_DATA, &none) == 0 &&
		       setrlimit(RLIMIT_MEMLOCK, &locked) == 0 &&
		       setrlimit(RLIMIT_STACK, &stack) == 0;
	getrlimit(RLIMIT_STACK, &own);
	own.rlim_cur = stack.rlim_cur;
	return setrlimit(RLIMIT_STACK, &own) == 0;
}

/* In the child: put the descriptors where protocol.h says, and turn randomisation off. */
static void become_machine(const char *machine, int memory, const int *fds)
{
	static char *const argv[] = {(char *)"host", NULL};
	static char *const envp[] = {NULL};
	bool ready = prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && set_limits() &&
	             personality(ADDR_NO_RANDOMIZE) >= 0 && dup2(memory, SHARED_FD) >= 0;
	for (int i = 0; ready && i < FILES * MODES; i++)
		ready = dup2(fds[i], FIRST_FILE_FD + i) >= 0;
	if (ready)
		execve(machine, argv, envp);
	_exit(127);
}

/* A descriptor that dup2 in the child will not overwrite. */
static int keep_high(int fd)
{
	int high = fcntl(fd, F_DUPFD_CLOEXEC, FIRST_KEPT_FD);

	g_assert_cmpint(high, >=, 0);
	close(fd);
	return high;
}

static void open_files(struct host *host, int fds[FILES * MODES])
{
	static const int access[MODES] = {O_RDONLY, O_WRONLY, O_RDWR};
	struct stat status;

	for (int i = 0; i < FILES * MODES; i++) {
		fds[i] = keep_high(open(host->path[i / MODES], access[i % MODES] | O_CLOEXEC));
		fstat(fds[i], &status);
		host->ino[i / MODES] = status.st_ino;
	}
}

static void start(struct host *host)
{
	int fds[FILES * MODES], memory = keep_high(memfd_create("differential", MFD_CLOEXEC));

	g_assert_cmpint(ftruncate(memory, (sizeof(struct shared) + 4095) & ~UINT64_C(4095)), ==, 0);
	host->shared =
	    mmap(NULL, sizeof(struct shared), PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
	g_assert_true(host->shared != MAP_FAILED);
	host->shared->turn = TURN_IDLE;
	open_files(host, fds);
	host->pid = fork();
	g_assert_cmpint(host->pid, >=, 0);
	if (host->pid == 0)
		become_machine(host->machine, memory, fds);
	close(memory);
	for (int i = 0; i < FILES * MODES; i++)
		close(fds[i]);
}

static void stop(struct host *host)
{
	kill(host->pid, SIGKILL);
	waitpid(host->pid, NULL, 0);
	munmap(host->shared, sizeof(struct shared));
}

/* --- Turns ------------------------------------------------------------------------------------ */

static void give_turn(struct host *host, uint32_t turn)
{
	__atomic_store_n(&host->shared->turn, turn, __ATOMIC_RELEASE);
	syscall(SYS_futex, &host->shared->turn, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
}

/* Wait for TURN, or for idle if something broke. False if it takes too long. */
static bool await_turn(struct host *host, uint32_t turn)
{
	struct timespec second = {.tv_sec = 1};
	uint32_t now;
	int seconds = 0;

	while ((now = __atomic_load_n(&host->shared->turn, __ATOMIC_ACQUIRE)) != turn &&
	       now != TURN_IDLE) {
		if (seconds == PATIENCE_SECONDS)
			return false;
		if (syscall(SYS_futex, &host->shared->turn, FUTEX_WAIT, now, &second, NULL, 0) !=
		        0 &&
		    errno == ETIMEDOUT)
			seconds++;
	}
	return true;
}

/* --- Looking ---------------------------------------------------------------------------------- */

static int which_file(const struct host *host, unsigned long ino)
{
	if (ino == 0)
		return -1;
	for (int i = 0; i < FILES; i++)
		if (host->ino[i] == ino)
			return i;
	return FILES;
}

static void look_at_maps(const struct host *host, pid_t pid, struct picture *picture)
{
	g_autofree char *path = g_strdup_printf("/proc/%d/maps", pid);
	FILE *maps = fopen(path, "re");
	unsigned long ino;
	char line[512];

	g_assert_nonnull(maps);
	while (fgets(line, sizeof line, maps) != NULL) {
		struct area area;
		/* The process may have many of its own. */
		if (!is_compared(strtoull(line, NULL, 16)) ||
		    sscanf(line, "%lx-%lx %4s %lx %*s %lu", &area.start, &area.end, area.perm,
		           &area.offset, &ino) != 5 ||
		    !is_compared(area.start) || area.start >= STACK_LOWEST)
			continue;
		area.file = which_file(host, ino);
		g_array_append_val(picture->areas, area);
	}
	fclose(maps);
}

static void look_at_pages(pid_t pid, struct picture *picture)
{
	g_autofree char *path = g_strdup_printf("/proc/%d/pagemap", pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	g_assert_cmpint(fd, >=, 0);
	for (guint i = 0; i < picture->areas->len; i++) {
		const struct area *area = &g_array_index(picture->areas, struct area, i);
		uint64_t count = (area->end - area->start) / PAGE;
		g_autofree uint64_t *words = g_new0(uint64_t, count);
		ssize_t n = pread(fd, words, count * sizeof *words,
		                  (off_t)(area->start / PAGE * sizeof *words));
		g_assert_cmpint(n, ==, count * sizeof *words);
		picture_add_pages(picture, area, words);
	}
	close(fd);
}

/* Take the line "KEY: VALUE" of an area in smaps. */
static void take_usage(struct usage *usage, const char *line)
{
	static const char *const keys[USAGE_KEYS] = {
	    "Rss:",           "Pss:",           "Shared_Clean:", "Shared_Dirty:",
	    "Private_Clean:", "Private_Dirty:", "Anonymous:"};

	for (int i = 0; i < USAGE_KEYS; i++)
		if (g_str_has_prefix(line, keys[i]))
			usage->kib[i] = g_ascii_strtoull(line + strlen(keys[i]), NULL, 10);
	if (g_str_has_prefix(line, "VmFlags: ")) {
		g_strlcpy(usage->flags, line + strlen("VmFlags: "), sizeof usage->flags);
		g_strchomp(usage->flags);
	}
}

/* The areas of PICTURE. smaps has the same areas in the same order. */
static void look_at_usage(pid_t pid, struct picture *picture)
{
	g_autofree char *path = g_strdup_printf("/proc/%d/smaps", pid);
	FILE *smaps = fopen(path, "re");
	struct usage *usage = NULL;
	char line[512];

	g_assert_nonnull(smaps);
	while (fgets(line, sizeof line, smaps) != NULL) {
		uint64_t start, end;
		guint next = picture->usage->len;
		if (sscanf(line, "%lx-%lx ", &start, &end) != 2) {
			if (usage != NULL)
				take_usage(usage, line);
			continue;
		}
		usage = NULL;
		if (next == picture->areas->len ||
		    g_array_index(picture->areas, struct area, next).start != start)
			continue;
		g_array_set_size(picture->usage, next + 1);
		usage = &g_array_index(picture->usage, struct usage, next);
		usage->start = start;
		usage->is_private = g_array_index(picture->areas, struct area, next).file < 0;
	}
	fclose(smaps);
}

/* The pages in the line of STATUS that begins with KEY. */
static int64_t size_in(const char *status, const char *key)
{
	const char *line = strstr(status, key);

	g_assert_nonnull(line);
	return g_ascii_strtoll(line + strlen(key), NULL, 10) * 1024 / (int64_t)PAGE;
}

static struct sizes look_at_sizes(pid_t pid)
{
	g_autofree char *path = g_strdup_printf("/proc/%d/status", pid), *status = NULL;

	g_assert_true(g_file_get_contents(path, &status, NULL, NULL));
	return (struct sizes){size_in(status, "VmSize:"), size_in(status, "VmData:"),
	                      size_in(status, "VmStk:")};
}

static void look(struct host *host, unsigned slot, struct picture *picture)
{
	struct shared *shared = host->shared;

	picture->alive = shared->alive[slot];
	if (!picture->alive)
		return;
	look_at_maps(host, shared->pid[slot], picture);
	look_at_pages(shared->pid[slot], picture);
	look_at_usage(shared->pid[slot], picture);
	struct sizes sizes = look_at_sizes(shared->pid[slot]);
	picture->sizes =
	    (struct sizes){sizes.total - host->base.total, sizes.data - host->base.data,
	                   sizes.stack - host->base.stack};
	shared->ranges[slot] = picture_ranges(picture, shared->range[slot]);
}

/* --- A run ------------------------------------------------------------------------------------ */

static void prepare(struct host *host, const struct program *program)
{
	struct shared *shared = host->shared;

	make_files(host->path);
	shared->steps = program->steps;
	shared->unprivileged = program->unprivileged;
	shared->fill = host->fill;
	shared->base[LIMIT_AS] = (uint64_t)host->base.total * PAGE;
	shared->base[LIMIT_DATA] = (uint64_t)host->base.data * PAGE;
	shared->next = shared->dumping = 0;
	shared->broken = 0;
	for (unsigned i = 0; i < SLOTS; i++)
		shared->alive[i] = shared->ranges[i] = shared->pages[i] = 0;
	memcpy(shared->step, program->step, program->steps * sizeof *program->step);
}

static bool go(struct host *host, struct answers *answers)
{
	struct shared *shared = host->shared;

	give_turn(host, TURN_START);
	if (!await_turn(host, TURN_FINISHED) || shared->broken)
		return false;
	for (unsigned i = 0; i < SLOTS; i++)
		look(host, i, &answers->picture[i]);
	shared->dumping = 1;
	uint32_t first = 0;
	while (!shared->alive[first])
		first++;
	give_turn(host, first);
	return await_turn(host, TURN_IDLE) && !shared->broken;
}

void host_run(struct host *host, const struct program *program, struct answers *answers)
{
	struct shared *shared = host->shared;

	prepare(host, program);
	if (!go(host, answers)) {
		answers->broken =
		    g_strdup_printf("the host's processes broke, wait status %#x", shared->broken);
		answers->broken_step = shared->next;
		stop(host);
		start(host);
		read_contents(answers, host->path);
		return;
	}
	memcpy(answers->outcome, shared->outcome, program->steps * sizeof *shared->outcome);
	for (unsigned i = 0; i < SLOTS; i++)
		if (answers->picture[i].alive)
			g_array_append_vals(answers->picture[i].pages, shared->page[i],
			                    shared->pages[i]);
	read_contents(answers, host->path);
}

/* --- Life ------------------------------------------------------------------------------------- */

static bool is_recent(void)
{
	struct utsname host;
	int major = 0, minor = 0;

	uname(&host);
	sscanf(host.release, "%d.%d", &major, &minor);
	return major > 6 || (major == 6 && minor >= 17);
}

/*
 * Whether a program of one step ends with an empty address space, and with the break in the right
 * place.
 */
static bool is_as_expected(struct host *host)
{
	static const struct program program = {.steps = 1, .step = {{.call = CALL_BRK}}};
	struct answers answers;

	answers_init(&answers);
	host_run(host, &program, &answers);
	bool right = answers.broken == NULL && answers.outcome[0].result == (int64_t)HEAP_START &&
	             answers.picture[0].areas->len == 0;
	answers_clear(&answers);
	/* The first process must look like those that it forks. */
	if (right)
		host->base = look_at_sizes(host->pid);
	return right;
}

/* The number of areas of process PID that count, which excludes the one for vsyscalls. */
static uint32_t count_areas(pid_t pid)
{
	g_autofree char *path = g_strdup_printf("/proc/%d/maps", pid), *maps = NULL;
	uint32_t count = 0;

	g_assert_true(g_file_get_contents(path, &maps, NULL, NULL));
	for (const char *line = maps; (line = strchr(line, '\n')) != NULL; line++)
		count++;
	return count - (strstr(maps, "[vsyscall]") != NULL);
}

/* Leave room for AREAS more areas. */
static bool fill(struct host *host, uint32_t areas)
{
	enum { MOST = (HOST_END - HOST_FILL) / PAGE };
	g_autofree char *limit = NULL;

	g_assert_true(g_file_get_contents("/proc/sys/vm/max_map_count", &limit, NULL, NULL));
	uint64_t left = g_ascii_strtoull(limit, NULL, 10) - count_areas(host->pid) - areas;
	if (left > MOST)
		return false;
	host->fill = (uint32_t)left;
	return is_as_expected(host);
}

struct host *host_new(const char *host_machine, const char *dir, uint32_t areas, char **why)
{
	struct host *host = g_new0(struct host, 1);

	*why = NULL;
	host->machine = g_strdup(host_machine);
	for (int i = 0; i < FILES; i++)
		host->path[i] = g_strdup_printf("%s/host-%d", dir, i);
	make_files(host->path);
	start(host);
	if (!is_recent())
		*why = g_strdup("the host's kernel is older than 6.17");
	else if (!is_as_expected(host))
		*why = g_strdup("the host does not give a process the expected address space");
	else if (areas > 0 && !fill(host, areas))
		*why = g_strdup("the host allows too many areas to use them up");
	if (*why != NULL)
		g_clear_pointer(&host, host_free);
	return host;
}

void host_free(struct host *host)
{
	stop(host);
	for (int i = 0; i < FILES; i++)
		g_free(host->path[i]);
	g_free(host->machine);
	g_free(host);
}

/* Even root may lack a capability. */
static bool is_capable(unsigned capability)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {0};

	return syscall(SYS_capget, &header, data) == 0 &&
	       (data[capability / 32].effective >> capability % 32 & 1);
}

static bool shows_guards(void)
{
	/* The mapping is shared, so that it merges with nothing. */
	char *page = mmap(NULL, PAGE, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0), *end = NULL;
	g_autofree char *smaps = NULL, *header = g_strdup_printf("%lx-", (unsigned long)page);

	g_assert_true(page != MAP_FAILED);
	madvise(page, PAGE, MADV_GUARD_INSTALL);
	g_assert_true(g_file_get_contents("/proc/self/smaps", &smaps, NULL, NULL));
	munmap(page, PAGE);
	const char *area = strstr(smaps, header),
	           *flags = area != NULL ? strstr(area, "VmFlags:") : NULL;
	if (flags != NULL && (end = strchr(flags, '\n')) != NULL)
		*end = '\0';
	return flags != NULL && strstr(flags, " gu") != NULL;
}

void host_abilities(const char *dir, struct abilities *abilities)
{
	g_autofree char *cpu = NULL;
	struct statfs status;

	g_file_get_contents("/proc/cpuinfo", &cpu, NULL, NULL);
	abilities->large_files = statfs(dir, &status) == 0 && status.f_type == EXT4_SUPER_MAGIC;
	abilities->root = getuid() == 0;
	abilities->raise = is_capable(CAP_SYS_RESOURCE);
	abilities->guard_flag = shows_guards();
	abilities->exec_only = cpu == NULL || strstr(cpu, " ospke") == NULL;
}
