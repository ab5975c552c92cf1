/*
 * bench_mount.c - what the mount costs: transfers compared with a FUSE server that does nothing
 * (bench_server.c), and a machine with 100,000 processes.
 *
 *     VASFS=fs/vasfs BENCH_SERVER=tests/bench/bench_server bench_mount [WORD]
 *
 * WORD runs only the parts whose name contains it.
 */
#include "tests/bench/bench.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PAGE = 4096, KIB = 1 << 10, MIB = 1 << 20 };

/* --- Mounts ----------------------------------------------------------------------------------- */

struct mount {
	char *dir;
	pid_t pid;
};

static dev_t device_of(const char *dir)
{
	struct stat st;

	return stat(dir, &st) == 0 ? st.st_dev : 0;
}

/*
 * Run the program named by the environment variable VARIABLE. It runs in the foreground, so that it
 * ends with this process.
 */
static struct mount mount_start(const char *variable, const char *options)
{
	const char *program = g_getenv(variable);
	struct mount mount = {.dir = g_dir_make_tmp("vasfs-bench-XXXXXX", NULL)};

	if (program == NULL) {
		fprintf(stderr, "bench_mount: the environment has no %s\n", variable);
		exit(EXIT_FAILURE);
	}
	if (mount.dir == NULL)
		bench_die("mkdtemp");
	dev_t before = device_of(mount.dir);
	mount.pid = fork();
	if (mount.pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGTERM);
		execl(program, program, "-f", "-o", options, mount.dir, (char *)NULL);
		bench_die(program);
	}
	for (int i = 0; i < 1000 && device_of(mount.dir) == before; i++)
		g_usleep(10000);
	if (device_of(mount.dir) == before)
		bench_die("no mount");
	return mount;
}

static void mount_stop(struct mount *mount)
{
	kill(mount->pid, SIGTERM);
	waitpid(mount->pid, NULL, 0);
	rmdir(mount->dir);
	g_free(mount->dir);
}

static int open_in(const struct mount *mount, const char *name)
{
	g_autofree char *path = g_build_filename(mount->dir, name, NULL);
	int fd = open(path, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		bench_die(path);
	return fd;
}

/* Write COMMANDS to the ctl file FD. Returns the answer; free it with g_free. */
static char *ctl(int fd, const char *commands)
{
	GString *answer = g_string_new(NULL);
	char buf[64 * KIB];
	ssize_t got;

	if (write(fd, commands, strlen(commands)) != (ssize_t)strlen(commands))
		bench_die(commands);
	while ((got = read(fd, buf, sizeof buf)) > 0)
		g_string_append_len(answer, buf, got);
	return g_string_free(answer, FALSE);
}

/* Give one command whose answer is a number. */
static uint64_t ctl_number(int fd, const char *command)
{
	g_autofree char *answer = ctl(fd, command);

	return strtoull(answer, NULL, 0);
}

/*
 * Make a new process with COMMAND, and store the name of its directory in PID. Returns its open ctl
 * file.
 */
static int make_process(const struct mount *mount, const char *command, char pid[static 16])
{
	int machine = open_in(mount, "ctl");

	snprintf(pid, 16, "%d", (int)ctl_number(machine, command));
	close(machine);
	g_autofree char *name = g_build_filename(pid, "ctl", NULL);
	return open_in(mount, name);
}

/* --- Transfers -------------------------------------------------------------------------------- */

#define SPREAD (UINT64_C(1) << 30)

/*
 * Memory to transfer: it starts at address BASE of the open file FD, and SERVER is the process that
 * serves the file.
 */
struct side {
	int fd;
	pid_t server;
	uint64_t base;
};

struct transfer {
	const char *label;
	size_t size;
	int count; /* transfers in one turn, which takes about a millisecond */
	bool write;
	double goal;
};

static const struct transfer transfers[] = {
    {"1 MiB reads", MIB, 4, false, 0.8},
    {"1 MiB writes", MIB, 4, true, 0.8},
    {"4 KiB random reads", 4 * KIB, 64, false, 0.95},
};

/*
 * Store to every page at BASE through the ctl file FD, in such an order that the frames are not in
 * the order of the pages.
 */
static void scatter(int fd, uint64_t base)
{
	GString *commands = g_string_new(NULL);
	uint64_t pages = SPREAD / PAGE,
	         stride = 97657; /* STRIDE is odd, so every page comes once */

	for (uint64_t i = 0; i < pages; i++) {
		g_string_append_printf(commands, "access w 0x%" G_GINT64_MODIFIER "x\n",
		                       base + i * stride % pages * PAGE);
		if (i % 1024 == 1023) {
			g_free(ctl(fd, commands->str));
			g_string_truncate(commands, 0);
		}
	}
	g_string_free(commands, TRUE);
}

/*
 * A process of MOUNT with SPREAD bytes of memory, all of it resident and written. If ORDERED, its
 * frames are in the order of the pages.
 */
static struct side fill_process(const struct mount *mount, bool ordered)
{
	char pid[16], *buf = g_malloc(MIB);
	int fd = make_process(mount, "spawn\n", pid);
	struct side side = {.server = mount->pid,
	                    .base = ctl_number(fd, "mmap 0 1G rw- private,anon\n")};

	if (!ordered)
		scatter(fd, side.base);
	close(fd);
	g_autofree char *name = g_build_filename(pid, "mem", NULL);
	side.fd = open_in(mount, name);
	memset(buf, 1, MIB);
	for (uint64_t at = 0; at < SPREAD; at += MIB)
		if (pwrite(side.fd, buf, MIB, (off_t)(side.base + at)) != MIB)
			bench_die("pwrite");
	g_free(buf);
	return side;
}

/*
 * The cost of a TRANSFER to or from SIDE, in seconds: by the clock, and the processor time of
 * caller and server.
 */
struct cost {
	double clock, cpu;
};

static double server_cpu(const struct side *side)
{
	struct timespec now;
	clockid_t clock;

	if (clock_getcpuclockid(side->server, &clock) != 0 || clock_gettime(clock, &now) != 0)
		bench_die("clock_getcpuclockid");
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static struct cost turn(const struct side *side, const struct transfer *transfer, char *buf,
                        uint64_t *seed)
{
	double clock = bench_now(), cpu = bench_cpu() + server_cpu(side);

	for (int i = 0; i < transfer->count; i++) {
		off_t at = (off_t)(side->base +
		                   bench_random(seed, (SPREAD - transfer->size) / PAGE) * PAGE);
		ssize_t done = transfer->write ? pwrite(side->fd, buf, transfer->size, at)
		                               : pread(side->fd, buf, transfer->size, at);
		if (done != (ssize_t)transfer->size)
			bench_die(transfer->label);
	}
	cpu = bench_cpu() + server_cpu(side) - cpu;
	clock = bench_now() - clock;
	return (struct cost){clock / transfer->count, cpu / transfer->count};
}

/*
 * Each round has many short turns and uses their median. So whatever disturbs one side disturbs the
 * other too.
 */
enum { TURNS = 64 };

/* The figures of one side so far. */
struct figures {
	double clock[TURNS], cpu[TURNS];
};

static void take_turn(struct figures *figures, int i, const struct side *side,
                      const struct transfer *transfer, char *buf, uint64_t *seed)
{
	struct cost cost = turn(side, transfer, buf, seed);

	figures->clock[i] = cost.clock;
	figures->cpu[i] = cost.cpu;
}

static void transfer_compare(const struct side *ours, const struct side *theirs,
                             const struct transfer *transfer, const char *order)
{
	char *buf = g_aligned_alloc0(1, MIB, PAGE);
	struct bench_pair clock, cpu;
	struct figures mine, other;
	uint64_t seed = 1;

	for (int round = 0; round < BENCH_ROUNDS; round++) {
		for (int i = 0; i < TURNS; i++) {
			take_turn(&mine, i, ours, transfer, buf, &seed);
			take_turn(&other, i, theirs, transfer, buf, &seed);
		}
		clock.ours[round] = bench_median(mine.clock, TURNS);
		clock.theirs[round] = bench_median(other.clock, TURNS);
		cpu.ours[round] = bench_median(mine.cpu, TURNS);
		cpu.theirs[round] = bench_median(other.cpu, TURNS);
	}
	g_autofree char *label = g_strdup_printf("%s, %s", transfer->label, order);
	bench_at_least(label, &clock, "server", transfer->goal);
	bench_note("  processor time", &cpu, "server", true);
	g_aligned_free(buf);
}

/*
 * Run this process, and the servers that it starts from now on, on a single processor. The caller
 * waits for each answer anyway. To wake another processor sometimes takes longer than the transfer,
 * depending on the scheduler.
 */
static void stay_on_one_processor(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((size_t)sched_getcpu(), &set);
	if (sched_setaffinity(0, sizeof set, &set) != 0)
		bench_die("sched_setaffinity");
}

static void transfers_in(bool ordered, const char *order)
{
	stay_on_one_processor();
	struct mount server = mount_start("BENCH_SERVER", "rw"),
	             mount = mount_start("VASFS", "ram=1100M");
	struct side theirs = {.fd = open_in(&server, "mem"), .server = server.pid},
	            ours = fill_process(&mount, ordered);

	for (size_t i = 0; i < G_N_ELEMENTS(transfers); i++)
		transfer_compare(&ours, &theirs, &transfers[i], order);
	close(theirs.fd);
	close(ours.fd);
	mount_stop(&mount);
	mount_stop(&server);
}

static void bench_ordered(void)
{
	transfers_in(true, "frames in order");
}

static void bench_scattered(void)
{
	transfers_in(false, "frames scattered");
}

/* --- Many processes --------------------------------------------------------------------------- */

enum { PROCESSES = 100000, THOUSAND = 1000 };

/*
 * Fork a thousand times with one write to FD. Returns the seconds for one fork. *PIDS gets the
 * children's pids, one line each.
 */
static double fork_thousand(int fd, char **pids)
{
	GString *commands = g_string_new(NULL);

	for (int i = 0; i < THOUSAND; i++)
		g_string_append(commands, "fork\n");
	double start = bench_now();
	*pids = ctl(fd, commands->str);
	double seconds = bench_now() - start;
	g_string_free(commands, TRUE);
	return seconds / THOUSAND;
}

/* Fork a thousand processes in MOUNT through FD. Unless KEEP, end them again. */
static double fork_and_end(const struct mount *mount, int fd, bool keep)
{
	g_autoptr(GString) commands = g_string_new(NULL);
	g_autofree char *pids = NULL;
	double seconds = fork_thousand(fd, &pids);
	g_auto(GStrv) lines = g_strsplit(pids, "\n", -1);

	for (char **line = lines; !keep && **line != '\0'; line++)
		g_string_append_printf(commands, "kill %s\n", *line);
	if (!keep) {
		int machine = open_in(mount, "ctl");
		g_free(ctl(machine, commands->str));
		close(machine);
	}
	return seconds;
}

/* Run ls, which must find at least MINIMUM names. Returns the seconds. */
static double time_ls(const struct mount *mount, int minimum)
{
	g_autofree char *command = g_strdup_printf("ls %s | wc -l", mount->dir);
	double start = bench_now();
	FILE *f = popen(command, "re");
	int names = 0;

	if (f == NULL || fscanf(f, "%d", &names) != 1 || names < minimum)
		bench_die("ls");
	pclose(f);
	return bench_now() - start;
}

/* One machine has few processes. The other has so many that a thousand more make 100,000. */
static void bench_many(const char *kind, const char *command)
{
	stay_on_one_processor();
	struct mount many = mount_start("VASFS", "ram=64M"), few = mount_start("VASFS", "ram=64M");
	char pid[16];
	int crowded = make_process(&many, command, pid), alone = make_process(&few, command, pid);
	struct bench_pair pair;
	double listing[BENCH_ROUNDS];

	for (int i = 0; i < PROCESSES / THOUSAND - 1; i++)
		fork_and_end(&many, crowded, true);
	for (int round = 0; round < BENCH_ROUNDS; round++) {
		pair.theirs[round] = fork_and_end(&few, alone, false);
		pair.ours[round] = fork_and_end(&many, crowded, round == BENCH_ROUNDS - 1);
	}
	for (int round = 0; round < BENCH_ROUNDS; round++)
		listing[round] = time_ls(&many, PROCESSES);
	g_autofree char *title = g_strdup_printf("100,000 forks of %s, in the mount", kind);
	bench_title(title);
	bench_below("memory of the daemon", "%.2f GiB",
	            (double)bench_resident(many.pid) / (1 << 30), 1.5, NULL);
	bench_below("ls of the root", "%.2f s", bench_median(listing, BENCH_ROUNDS), 2, NULL);
	bench_at_most("the last thousand forks, one of them", &pair, "of the first", 1.25);
	close(crowded);
	close(alone);
	mount_stop(&few);
	mount_stop(&many);
}

static void bench_spawned(void)
{
	bench_many("a spawned process", "spawn\n");
}

static void bench_execed(void)
{
	bench_many("/bin/ls", "exec /bin/ls\n");
}

/* ---------------------------------------------------------------------------------------------- */

static const struct bench_part parts[] = {{"ordered", bench_ordered},
                                          {"scattered", bench_scattered},
                                          {"spawned", bench_spawned},
                                          {"execed", bench_execed},
                                          {NULL, NULL}};

int main(int argc, char **argv)
{
	bench_main("The mount, throughput against a server that does nothing", parts, argc, argv);
	return EXIT_SUCCESS;
}
