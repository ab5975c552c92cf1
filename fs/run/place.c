#include "fs/run/place.h"

#include "fs/host/hostfile.h"
#include "fs/host/hostidentity.h"
#include "fs/host/hostpath.h"
#include "fs/run/console.h"
#include "fs/run/kind.h"

#include <errno.h>
#include <fcntl.h>
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
 * A directory of the host. Programs get it from their parents: if each had a descriptor of its own,
 * a family of programs could use up those of the daemon.
 */
struct place_dir {
	int refs; /* atomic */
	int fd;
};

static struct place_dir *dir_new(int fd)
{
	struct place_dir *dir = g_new(struct place_dir, 1);

	*dir = (struct place_dir){1, fd};
	return dir;
}

static struct place_dir *dir_ref(struct place_dir *dir)
{
	g_atomic_int_inc(&dir->refs);
	return dir;
}

static void dir_unref(struct place_dir *dir)
{
	if (!g_atomic_int_dec_and_test(&dir->refs))
		return;
	close(dir->fd);
	g_free(dir);
}

/* A place without console. Takes over the references ROOT and CWD. */
static struct place *place_alloc(struct fs_mount *mount, const struct fs_caller *caller,
                                 struct place_dir *root, struct place_dir *cwd)
{
	struct place *place = g_new0(struct place, 1);

	place->mount = mount;
	place->caller = caller_copy(caller);
	place->root_dir = root;
	place->cwd_dir = cwd;
	place->root = root->fd;
	place->cwd = cwd->fd;
	place->umask = FIRST_UMASK;
	return place;
}

void place_set_cwd(struct place *place, int cwd)
{
	dir_unref(place->cwd_dir);
	place->cwd_dir = dir_new(cwd);
	place->cwd = cwd;
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
	struct place *place = place_alloc(mount, caller, dir_new(start.root), dir_new(start.cwd));
	place->console = console_new(mount, caller->uid);
	return place;
}

struct place *place_copy(const struct place *place)
{
	struct place *copy = place_alloc(place->mount, &place->caller, dir_ref(place->root_dir),
	                                 dir_ref(place->cwd_dir));

	copy->umask = place->umask;
	copy->console = console_ref(place->console);
	return copy;
}

void place_free(struct place *place)
{
	if (place == NULL)
		return;
	dir_unref(place->root_dir);
	dir_unref(place->cwd_dir);
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
