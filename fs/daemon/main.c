/*
 * main.c - the daemon, from the command line to the mount, and from a signal or an unmount to the
 * exit.
 *
 * The files of fs/, from the ground up. A file uses only files of its own folder and of those above
 * it in this list:
 *
 *     fs.h                      the types that all share
 *     host/
 *       hostfile.c hostpath.c   host files, opened as the caller
 *       hostprocess.c           what the host says about a caller's process
 *     text/
 *       proc_*.c fault_text.c   the text of a process's files
 *       machine_*.c readme.c    the text of the root's files
 *       knob.c proc_store.c     values that can be written
 *       rights.c                which processes a reader may look into
 *     ctl/
 *       words.c address.c       words, letters and addresses in commands
 *       command_*.c             the tables of commands, and their functions
 *       command.c               runs one line
 *       ctl_results.c ctl_store.c   results, for the next read and for those who only read
 *       ctl.c                   a ctl file: commands in, results out
 *     files/
 *       file.h                  what a file of the mount is
 *       textfile.c wordfile.c memfile.c ctlfile.c link.c own.c   the kinds of files
 *       eventfile.c event_feed.c    events, and the readers that wait for them
 *       openfile.c              the open files of the mount
 *       call.c                  requests that may take long
 *       tree.c                  the table of all files; names, inode numbers, attributes
 *       directory.c             reading directories
 *       ops.c request.c         the requests of FUSE
 *     daemon/
 *       options.c               the command line
 *       mountpoint.c            checks the directory to mount on
 *       swapfile.c              makes and checks the swap file
 *       signals.c               what each signal does
 *       daemonize.c             goes into the background once the mount answers
 *       loop.c                  serves requests until a signal or the unmount
 *       main.c                  this file
 *     vasctl.c                  a program of its own: runs commands of a ctl file
 */
#include "fs/base/budget.h"
#include "fs/ctl/ctl_store.h"
#include "fs/daemon/daemonize.h"
#include "fs/daemon/loop.h"
#include "fs/daemon/mountpoint.h"
#include "fs/daemon/options.h"
#include "fs/daemon/signals.h"
#include "fs/daemon/swapfile.h"
#include "fs/files/eventfile.h"
#include "fs/files/ops.h"
#include "fs/files/waits.h"
#include "fs/run/run.h"
#include "util/nanoseconds.h"
#include "util/proc.h"
#include "util/text.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <syslog.h>
#include <unistd.h>

static const unsigned hung_write_back_s = 2;

static int complain(GError *error)
{
	fprintf(stderr, "vasfs: %s\n", error->message);
	g_error_free(error);
	return EXIT_FAILURE;
}

/*
 * A GLogFunc. A daemon in the background has no standard error any more: what it has to say goes to
 * the system's log.
 */
static void log_message(const char *domain, GLogLevelFlags level, const char *message,
                        void *foreground)
{
	/* It may have names of files that users chose, and root may read it on a terminal. */
	g_autoptr(GString) text = g_string_new(NULL);

	(void)domain;
	(void)level;
	text_escaped(text, message, "");
	if (foreground != NULL)
		fprintf(stderr, "vasfs: %s\n", text->str);
	else
		syslog(LOG_DAEMON | LOG_ERR, "%s", text->str);
}

/* Each mapped host file needs a descriptor. */
static void raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

/* The stack of a thread: what the C library takes where the limit on stacks is "unlimited". */
static const size_t thread_stack = 2 << 20;

static void *free_much_and_exit(void *unused)
{
	void *volatile pieces[4];

	for (size_t i = 0; i < G_N_ELEMENTS(pieces); i++)
		pieces[i] = malloc(100 << 10);
	for (size_t i = 0; i < G_N_ELEMENTS(pieces); i++)
		free(pieces[i]);
	pthread_exit(NULL);
}

/*
 * Programs write host files, which a thread of ours does. With these rights of root a file would
 * keep its set-user-ID bit through that, and quotas would not count. Nothing else here needs them.
 */
static void drop_capabilities(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
	const uint32_t dropped = 1u << CAP_FSETID | 1u << CAP_SYS_RESOURCE;

	if (syscall(SYS_capget, &header, data) < 0)
		return;
	data[0].effective &= ~dropped;
	data[0].permitted &= ~dropped;
	data[0].inheritable &= ~dropped;
	syscall(SYS_capset, &header, data);
}

/*
 * The limit on stacks is meant for the first thread of a program. By default the C library gives as
 * much to each other thread: a small limit would be too little for ours.
 *
 * The C library opens /proc/sys/vm/overcommit_memory once: when it first gives back memory of a
 * thread's own. And it opens a library when a thread first exits or is cancelled; if there is no
 * descriptor for that, it ends the program. Let it do both now.
 */
static void settle_threads(void)
{
	pthread_attr_t attr;
	pthread_t thread;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, thread_stack);
	pthread_setattr_default_np(&attr);
	pthread_attr_destroy(&attr);
	if (pthread_create(&thread, NULL, free_much_and_exit, NULL) == 0)
		pthread_join(thread, NULL);
}

static void report_ready(void *ctx)
{
	daemonize_ready(ctx);
}

static void *sync_main(void *machine)
{
	vm_machine_sync(machine);
	return NULL;
}

/* Returns MACHINE if pages were lost. It is no longer a machine. */
static void *free_main(void *machine)
{
	return vm_machine_free(machine) > 0 ? machine : NULL;
}

static uint64_t pages_written(struct vm_machine *machine)
{
	struct vm_machine_info info;

	vm_machine_info(machine, &info);
	return info.file_writes;
}

/* The status to exit with: failure if stores are in no file. */
static int status_of_pages(struct vm_machine *machine)
{
	struct vm_machine_info info;

	vm_machine_info(machine, &info);
	uint64_t unwritten = info.frames_dirty + info.frames_writeback;
	return unwritten == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/*
 * Wait a few seconds for the end of THREAD. That is enough unless a host file hangs. Returns
 * whether it ended, and then what it returned in *RESULT.
 */
static bool ends_soon(pthread_t thread, void **result)
{
	struct timespec deadline =
	    ns_to_timespec(ns_now(CLOCK_REALTIME) + hung_write_back_s * NS_PER_SEC);

	return pthread_timedjoin_np(thread, result, &deadline) == 0;
}

/* Write all dirty pages back. False if nothing was written for a while: then a host file hangs. */
static bool write_back(struct vm_machine *machine)
{
	uint64_t before, after = pages_written(machine);
	pthread_t thread;

	/* Without a thread nobody can look whether it hangs. */
	if (pthread_create(&thread, NULL, sync_main, machine) != 0) {
		vm_machine_sync(machine);
		return true;
	}
	do {
		if (ends_soon(thread, NULL))
			return true;
		before = after;
		after = pages_written(machine);
	} while (after != before);
	return false;
}

/*
 * Free the machine, after all pages that can be written were. False if one of its threads hangs in
 * a host file. *LOST: whether pages could not be written.
 */
static bool free_machine(struct vm_machine *machine, bool *lost)
{
	pthread_t thread;
	void *result;

	if (pthread_create(&thread, NULL, free_main, machine) != 0)
		result = free_main(machine);
	else if (!ends_soon(thread, &result))
		return false;
	*lost = result != NULL;
	return true;
}

/*
 * A thread hangs in a host file and still uses the machine, so nothing can be freed. All pages that
 * can be written were written.
 */
static _Noreturn void leave_hung(struct fuse_session *session, int status)
{
	if (status != EXIT_SUCCESS)
		g_message("a file of the host does not answer, or refuses pages: they are lost");
	fuse_session_unmount(session);
	_exit(status);
}

/*
 * In debug builds, with VASFS_CHECK in the environment, count afresh whatever the machine has
 * counted. False: something is wrong.
 */
static bool is_sound(struct vm_machine *machine)
{
#ifndef NDEBUG
	g_autofree char *wrong = NULL;

	if (getenv("VASFS_CHECK") != NULL)
		wrong = vm_machine_check(machine);
	if (wrong != NULL)
		g_message("the machine is not sound: %s", wrong);
	return wrong == NULL;
#else
	return true;
#endif
}

/* Mount, serve requests, and write back after the end. */
static int serve(struct fuse_session *session, const char *mountpoint,
                 const struct options *options, struct ops_server *server, const sigset_t *ends)
{
	enum loop_end end;

	if (fuse_session_mount(session, mountpoint) != 0) {
		fprintf(stderr, "vasfs: cannot mount on %s\n", mountpoint);
		return EXIT_FAILURE;
	}
	server->mount.dev = mountpoint_dev(server->mount.proc, mountpoint);
	/* We must know our own mount, so as never to step into it. */
	if (server->mount.dev == 0) {
		fprintf(stderr, "vasfs: cannot find the mount in /proc: %s\n", g_strerror(errno));
		fuse_session_unmount(session);
		return EXIT_FAILURE;
	}
	end = loop_run(session, &options->fuse, ends);
	/* What programs have stored is complete from here on. */
	bool ended = run_stop(server->mount.run);
	if (!write_back(server->mount.machine) || end == LOOP_HANGS || !ended)
		leave_hung(session, status_of_pages(server->mount.machine));
	return end == LOOP_ENDED ? EXIT_SUCCESS : EXIT_FAILURE;
}

/*
 * Whether the mount of SESSION is gone. Then its device number may be that of another mount by now,
 * even of one in the same place.
 */
static bool is_unmounted(struct fuse_session *session)
{
	struct pollfd device = {.fd = fuse_session_fd(session)};

	return poll(&device, 1, 0) == 1 && (device.revents & POLLERR);
}

/*
 * An ordinary user's mount is unmounted by fusermount3, for which libfuse must fork. If a limit on
 * processes forbids that, the mount is still there: let this process become fusermount3. Its exit
 * status is then ours.
 */
static void unmount_without_fork(const struct fs_mount *mount, const char *mountpoint)
{
	if (mount->dev != 0 && mountpoint_dev(mount->proc, mountpoint) == mount->dev)
		execlp("fusermount3", "fusermount3", "-u", "-q", "-z", "--", mountpoint, NULL);
}

/*
 * Serve the machine, then free it. The mount goes last: when it is gone, all data are in the files.
 */
static int serve_machine(struct fuse_session *session, const char *mountpoint,
                         const struct options *options, struct ops_server *server,
                         const sigset_t *ends)
{
	int status, pages;
	bool lost = false;

	server->mount.budget = fs_budget_new();
	server->mount.ctl = fs_ctl_store_new();
	server->mount.replays = fs_ctl_store_new();
	server->mount.events = fs_events_new(server->mount.machine);
	server->mount.run = run_new(&server->mount, options->no_cpu);
	server->mount.waits = fs_waits_new(&server->mount);
	if (server->mount.events == NULL || server->mount.waits == NULL ||
	    !ops_server_start(server)) {
		perror("vasfs: cannot start a thread");
		_exit(EXIT_FAILURE);
	}
	status = serve(session, mountpoint, options, server, ends);
	fs_events_stop(server->mount.events);
	fs_waits_stop(server->mount.waits);
	ops_server_close(server);
	fs_events_free(server->mount.events);
	fs_waits_free(server->mount.waits);
	fs_ctl_store_free(server->mount.ctl);
	fs_ctl_store_free(server->mount.replays);
	pages = status_of_pages(server->mount.machine);
	if (!is_sound(server->mount.machine))
		status = EXIT_FAILURE;
	if (!free_machine(server->mount.machine, &lost))
		leave_hung(session, pages);
	/* Processes that were forked from programs had pipes, which belong to it. */
	run_free(server->mount.run);
	/* Consoles have a share of it until then. */
	fs_budget_free(server->mount.budget);
	bool gone = is_unmounted(session);
	fuse_session_unmount(session);
	if (lost)
		status = EXIT_FAILURE;
	if (status == EXIT_SUCCESS && !gone)
		unmount_without_fork(&server->mount, mountpoint);
	return status;
}

/* Make the machine, with its swap file. Returns false with ERROR set if that fails. */
static bool make_machine(const struct options *options, struct fs_mount *mount, char **swap_name,
                         GError **error)
{
	struct vm_config config = options->machine;

	if (config.swap > 0) {
		int fd = swapfile_open(options->swap, config.swap, error);
		if (fd < 0)
			return false;
		config.swap_medium = vm_host_medium(fd);
		/* A file without a name gets another number in each run. */
		*swap_name = options->swap == NULL && mount->own_clock
		                 ? g_strdup("swap")
		                 : swapfile_name(mount->proc, fd);
		mount->swap_name = *swap_name;
	}
	config.proc = mount->proc;
	mount->machine = vm_machine_new(&config, error);
	return mount->machine != NULL;
}

static int run_session(const struct options *options, const char *mountpoint,
                       struct fuse_session *session, struct ops_server *server)
{
	struct daemonize *daemonize = server->ready_ctx;
	g_autofree char *swap_name = NULL;
	GError *error = NULL;
	sigset_t ends;

	if (!daemonize_start(daemonize, options->fuse.foreground)) {
		perror("vasfs: cannot go into the background");
		return EXIT_FAILURE;
	}
	g_log_set_default_handler(log_message, GINT_TO_POINTER(options->fuse.foreground));
	signals_settle(&ends, options->fuse.foreground);
	loop_block_signals();
	raise_descriptor_limit();
	settle_threads();
	drop_capabilities();
	server->mount.daemon_uid = geteuid();
	server->mount.own_clock = options->machine.clock >= 0;
	server->mount.mounts_fd = proc_open_file(server->mount.proc, O_RDONLY, "self/mounts");
	server->mount.mountinfo_fd = proc_open_file(server->mount.proc, O_RDONLY, "self/mountinfo");
	if (!make_machine(options, &server->mount, &swap_name, &error))
		return complain(error);
	return serve_machine(session, mountpoint, options, server, &ends);
}

static int run(struct options *options)
{
	struct daemonize daemonize;
	struct ops_server server = {.ready = report_ready, .ready_ctx = &daemonize};
	struct fuse_session *session;
	GError *error = NULL;
	int status;

	if (!options->fuse.foreground)
		daemonize_close_inherited();
	/* Now it is the kernel's. Later the mount may be bound over it. */
	server.mount.proc = proc_open();
	if (server.mount.proc < 0) {
		fprintf(
		    stderr,
		    "vasfs: /proc must be the proc file system of the kernel when vasfs starts: "
		    "%s\n",
		    errno == ENODEV ? "something else is mounted there" : g_strerror(errno));
		return EXIT_FAILURE;
	}
	server.mount.proc_pids = proc_has_our_pids(server.mount.proc) ? server.mount.proc : -1;
	g_autofree char *mountpoint =
	    mountpoint_check(server.mount.proc, options->mountpoint, &error);
	if (mountpoint == NULL)
		return complain(error);
	ops_server_init(&server);
	session = fuse_session_new(&options->session, &ops_table, sizeof(ops_table), &server);
	if (session == NULL) {
		fprintf(stderr, "vasfs: bad options (see vasfs -h)\n");
		return EXIT_FAILURE;
	}
	status = run_session(options, mountpoint, session, &server);
	fuse_session_destroy(session);
	return status;
}

static int print_version(void)
{
	printf("vasfs %s\nlibfuse %s\n", VASFS_VERSION, fuse_pkgversion());
	return EXIT_SUCCESS;
}

static int print_help(const char *program)
{
	options_print_help(program);
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	struct options options;
	GError *error = NULL;
	int status;

	daemonize_keep_standard_fds();
	if (!options_parse(&options, argc, argv, &error))
		return complain(error);
	if (options.fuse.show_version)
		status = print_version();
	else if (options.fuse.show_help)
		status = print_help(argv[0]);
	else
		status = run(&options);
	options_clear(&options);
	return status;
}
