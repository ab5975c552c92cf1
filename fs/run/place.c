#include "fs/run/place.h"

#include "fs/host/hostfile.h"
#include "fs/host/hostidentity.h"
#include "fs/host/hostpath.h"
#include "fs/run/console.h"
#include "fs/run/kind.h"
#include "util/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

enum { FIRST_UMASK = 022 };

static struct fs_caller caller_copy(const struct fs_caller *caller)
{
	struct fs_caller copy = *caller;

	/* What the program does is no request of the caller's process. */
	copy.pid = 0;
	copy.files = 0;
	if (caller->groups != NULL)
		copy.groups = g_array_ref((GArray *)caller->groups);
	return copy;
}

/*
 * A directory of the host is a special file. Programs share it with their parents: if each had a
 * descriptor of its own, a family of programs could use up those of the daemon. Each directory
 * counts as a host descriptor of its user.
 */
static void dir_close(void *ctx)
{
	close(GPOINTER_TO_INT(ctx));
}

static char *dir_name(void *ctx)
{
	return g_strdup("directory");
}

static const struct vm_file_ops dir_ops = {.release = dir_close, .name = dir_name};

/* Takes FD over. NULL, with *ERROR: -ENFILE, -ENOMEM, and FD is closed. */
static struct vm_file *dir_new(struct fs_mount *mount, uid_t uid, int fd, int *error)
{
	const struct vm_charge charge = {.uid = uid, .what = VM_HANDLES, .units = 1};
	struct vm_file *dir = vm_file_new_special(mount->machine, &dir_ops, GINT_TO_POINTER(fd),
	                                          O_RDONLY, &charge, error);

	if (dir == NULL)
		close(fd);
	return dir;
}

static int dir_fd(const struct vm_file *dir)
{
	return GPOINTER_TO_INT(vm_file_special(dir, &dir_ops));
}

/* A place without console. Takes ROOT and CWD over. */
static struct place *place_alloc(struct fs_mount *mount, const struct fs_caller *caller,
                                 struct vm_file *root, struct vm_file *cwd)
{
	struct place *place = g_new0(struct place, 1);

	place->mount = mount;
	place->caller = caller_copy(caller);
	place->root_dir = root;
	place->cwd_dir = cwd;
	place->root = dir_fd(root);
	place->cwd = dir_fd(cwd);
	place->umask = FIRST_UMASK;
	return place;
}

int place_set_cwd(struct place *place, int cwd)
{
	int error = 0;
	struct vm_file *dir = dir_new(place->mount, place->caller.uid, cwd, &error);

	if (dir == NULL)
		return error;
	vm_file_unref(place->cwd_dir);
	place->cwd_dir = dir;
	place->cwd = cwd;
	return 0;
}

void place_show_cwd(const struct place *place, struct vm_process *process)
{
	char name[PATH_MAX];

	if (proc_read_link(place->mount->proc, name, sizeof name, "self/fd/%d", place->cwd))
		vm_process_set_cwd(process, name);
}

struct place *place_new(struct fs_mount *mount, const struct fs_caller *caller, int *error)
{
	struct hostpath_start start = HOSTPATH_START_INIT;

	hostpath_start_find(mount, &start, caller);
	*error = 0;
	if (start.root < 0 || start.cwd < 0) {
		*error = start.lack < 0 ? start.lack : -EINVAL;
		hostpath_start_close(&start);
		return NULL;
	}
	/* No path leads there, and our own descriptor would keep the mount from being unmounted. */
	if (hostpath_is_ours(mount, start.cwd)) {
		close(start.cwd);
		start.cwd = fcntl(start.root, F_DUPFD_CLOEXEC, 3);
	}
	if (start.cwd < 0) {
		*error = -errno;
		close(start.root);
		return NULL;
	}
	struct vm_file *root = dir_new(mount, caller->uid, start.root, error);
	struct vm_file *cwd = NULL;
	if (root != NULL)
		cwd = dir_new(mount, caller->uid, start.cwd, error);
	else
		close(start.cwd);
	if (cwd == NULL) {
		if (root != NULL)
			vm_file_unref(root);
		return NULL;
	}
	struct place *place = place_alloc(mount, caller, root, cwd);
	place->console = console_new(mount, caller->uid);
	return place;
}

struct place *place_copy(const struct place *place)
{
	struct place *copy = place_alloc(place->mount, &place->caller, vm_file_ref(place->root_dir),
	                                 vm_file_ref(place->cwd_dir));

	copy->umask = place->umask;
	copy->console = console_ref(place->console);
	return copy;
}

void place_free(struct place *place)
{
	if (place == NULL)
		return;
	vm_file_unref(place->root_dir);
	vm_file_unref(place->cwd_dir);
	if (place->caller.groups != NULL)
		g_array_unref((GArray *)place->caller.groups);
	console_unref(place->console);
	g_free(place);
}

int64_t place_as_owner(const struct place *place, int64_t (*fn)(void *ctx), void *ctx)
{
	return hostidentity_run(place->mount, &place->caller, HOSTIDENTITY_ANY_UMASK, fn, ctx);
}

int64_t place_as_maker(const struct place *place, int64_t (*fn)(void *ctx), void *ctx)
{
	return hostidentity_run(place->mount, &place->caller, (int)place->umask, fn, ctx);
}

int place_open_console(struct program *program)
{
	struct vm_file *file = NULL;
	int error = 0;

	for (int fd = 0; fd <= STDERR_FILENO && error == 0; fd++) {
		if (vm_process_cloexec(program->process, fd) != -EBADF)
			continue;
		if (file == NULL)
			file = terminal_new(program->place, O_RDWR, &error);
		if (file != NULL)
			error = MIN(vm_process_open_at(program->process, file, fd, false), 0);
	}
	if (file != NULL)
		vm_file_unref(file);
	return error;
}

static struct vm_file *open_for_exec(void *ctx, const char *path, bool executable, int *error)
{
	struct place_opener *opener = ctx;
	const struct place *place = opener->place;
	struct hostpath_start start = {place->root, place->cwd, 0};
	struct hostfile_context context = {place->mount, &place->caller, NULL, &start};
	struct vm_opener host = hostfile_opener(&context);
	struct vm_file *file = host.open(host.ctx, path, executable, error);

	opener->why = context.why;
	return file;
}

struct vm_opener place_opener(struct place_opener *context, const struct place *place)
{
	*context = (struct place_opener){place, NULL};
	return (struct vm_opener){.open = open_for_exec, .ctx = context};
}
