/*
 * main.c - the daemon: from the command line to the mount, and from the signal or the unmount to
 * the exit.
 *
 * The rooms of fs/:
 *
 *     main.c         this
 *     options.c      the command line
 *     mountpoint.c   is the directory fit to be mounted on
 *     daemonize.c    going into the background once the mount answers
 *     loop.c         serving requests until asked to stop
 *     ops.c          the requests of FUSE
 *     tree.c         ONE table of all files; inode numbers, attributes, names
 *     directory.c, textfile.c, wordfile.c, memfile.c, ctlfile.c, link.c    what each kind of file does
 *     eventfile.c    events, and the readers that wait for them; event_feed.c takes them from the engine
 *     own.c          what a caller finds under its own pid
 *     ctl.c, ctl_results.c    lines of commands in, result lines out
 *     command.c, words.c      a line of commands taken apart; command_*.c the tables of commands
 *     hostfile.c, hostpath.c  files of the host, opened as the caller
 *     proc_*.c, machine_text.c, fault_text.c, readme.c         the text of the files
 *     vasctl.c       a program of its own: one transaction on a ctl file
 */
#include "fs/ctl/ctl_store.h"
#include "fs/daemon/daemonize.h"
#include "fs/daemon/loop.h"
#include "fs/daemon/mountpoint.h"
#include "fs/daemon/options.h"
#include "fs/daemon/swapfile.h"
#include "fs/files/eventfile.h"
#include "fs/files/ops.h"
#include "util/nanoseconds.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static const unsigned hung_write_back_s = 2;

static int complain(GError *error)
{
	fprintf(stderr, "vasfs: %s\n", error->message);
	g_error_free(error);
	return EXIT_FAILURE;
}

/* Each mapped host file is an open descriptor. */
static void raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static void tell_ready(void *ctx)
{
	daemonize_ready(ctx);
}

static void *sync_main(void *machine)
{
	vm_machine_sync(machine);
	return NULL;
}

static void *free_main(void *machine)
{
	vm_machine_free(machine);
	return NULL;
}

static uint64_t pages_written(struct vm_machine *machine)
{
	struct vm_machine_info info;

	vm_machine_info(machine, &info);
	return info.file_writes;
}

/* Whether THREAD ends within the time that nothing but a hanging host file takes. */
static bool ends_soon(pthread_t thread)
{
	struct timespec deadline =
	    ns_to_timespec(ns_now(CLOCK_REALTIME) + hung_write_back_s * NS_PER_SEC);

	return pthread_timedjoin_np(thread, NULL, &deadline) == 0;
}

/*
 * Write every dirty page back. False: nothing has been written for a while, because a host file
 * hangs.
 */
static bool write_back(struct vm_machine *machine)
{
	uint64_t before, after = pages_written(machine);
	pthread_t thread;

	if (pthread_create(&thread, NULL, sync_main, machine) != 0)
		return vm_machine_sync(machine) == 0;
	do {
		if (ends_soon(thread))
			return true;
		before = after;
		after = pages_written(machine);
	} while (after != before);
	return false;
}

/* Free the machine, all of whose pages are written. False: a thread of it hangs in a host file. */
static bool free_machine(struct vm_machine *machine)
{
	pthread_t thread;

	return pthread_create(&thread, NULL, free_main, machine) == 0 && ends_soon(thread);
}

/*
 * Something hangs in a host file, and with it what it holds of the machine: nothing can be freed.
 * What can be written back has been.
 */
static _Noreturn void leave_hung(struct fuse_session *session)
{
	fuse_session_unmount(session);
	_exit(EXIT_SUCCESS);
}

/* The mount answers from here to the return, after which it is gone. */
static int serve(struct fuse_session *session, const char *mountpoint,
                 const struct options *options, struct ops_server *server)
{
	enum loop_end end;

	if (fuse_session_mount(session, mountpoint) != 0) {
		fprintf(stderr, "vasfs: cannot mount on %s\n", mountpoint);
		return EXIT_FAILURE;
	}
	server->mount.dev = mountpoint_dev(mountpoint);
	end = loop_run(session, &options->fuse);
	if (!write_back(server->mount.machine) || end == LOOP_HANGS)
		leave_hung(session);
	return end == LOOP_ENDED ? EXIT_SUCCESS : EXIT_FAILURE;
}

/*
 * With the machine there: serve, then write back and free it while the mount still stands, so that
 * its end says that all is in the files.
 */
static int run_machine(struct fuse_session *session, const char *mountpoint,
                       const struct options *options, struct ops_server *server)
{
	int status;

	server->mount.ctl = fs_ctl_store_new();
	server->mount.events = fs_events_new(server->mount.machine);
	if (server->mount.events == NULL) {
		perror("vasfs: cannot start a thread");
		_exit(EXIT_FAILURE);
	}
	status = serve(session, mountpoint, options, server);
	fs_events_stop(server->mount.events);
	ops_server_close(server);
	fs_events_free(server->mount.events);
	fs_ctl_store_free(server->mount.ctl);
	if (!free_machine(server->mount.machine))
		leave_hung(session);
	fuse_session_unmount(session);
	return status;
}

/* The machine, and the swap file that it takes over. */
static bool make_machine(const struct options *options, struct fs_mount *mount, char **swap_name,
                         GError **error)
{
	struct vm_config config = options->machine;

	if (config.swap > 0) {
		config.swap_fd = swapfile_open(options->swap, config.swap, error);
		if (config.swap_fd < 0)
			return false;
		mount->swap_name = *swap_name = swapfile_name(config.swap_fd);
	}
	mount->machine = vm_machine_new(&config, error);
	return mount->machine != NULL;
}

static int run_session(const struct options *options, const char *mountpoint,
                       struct fuse_session *session, struct ops_server *server)
{
	struct daemonize *daemonize = server->ready_ctx;
	g_autofree char *swap_name = NULL;
	GError *error = NULL;

	if (!daemonize_start(daemonize, options->fuse.foreground)) {
		perror("vasfs: cannot go into the background");
		return EXIT_FAILURE;
	}
	loop_block_signals();
	raise_descriptor_limit();
	server->mount.daemon_uid = geteuid();
	/* While /proc is the host's: the mount may come to stand in its place. */
	server->mount.mounts_fd = open("/proc/self/mounts", O_RDONLY | O_CLOEXEC);
	if (!make_machine(options, &server->mount, &swap_name, &error))
		return complain(error);
	return run_machine(session, mountpoint, options, server);
}

static int run(struct options *options)
{
	struct daemonize daemonize;
	struct ops_server server = {.ready = tell_ready, .ready_ctx = &daemonize};
	struct fuse_session *session;
	GError *error = NULL;
	int status;

	g_autofree char *mountpoint = mountpoint_check(options->mountpoint, &error);
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
