#include "fs/run/path.h"

#include "fs/run/kind.h"

#include <fcntl.h>
#include <unistd.h>

int path_get(struct call *call, struct path *path, int dirfd, uint64_t va, unsigned how)
{
	const struct place *place = call->program->place;
	int error;

	*path = (struct path){.place = place, .start = {place->root, place->cwd, 0}, .host = -1};
	path->text = call_path(call, va, how & PATH_EMPTY, &error);
	if (path->text == NULL)
		return error;
	if (dirfd == AT_FDCWD || path->text[0] == '/')
		return 0;
	path->base = vm_process_file(call->process, dirfd);
	path->host = path->base != NULL ? kind_host(path->base) : -1;
	path->error = path->base == NULL ? -EBADF : path->host < 0 ? -ENOTDIR : 0;
	path->start.cwd = path->host;
	return 0;
}

void path_clear(struct path *path)
{
	g_free(path->text);
	if (path->base != NULL)
		vm_file_unref(path->base);
}

bool path_is_base(const struct path *path)
{
	return path->text[0] == '\0';
}

int path_walk(const struct path *path, unsigned how, struct hostpath_last *last)
{
	bool closed;
	struct stat status;

	if (path->error != 0)
		return path->error;
	if (path->text[0] == '\0') {
		int fd = fcntl(path->start.cwd, F_DUPFD_CLOEXEC, 3);
		return fd < 0 ? -errno : fd;
	}
	if (path->host >= 0 && (fstat(path->host, &status) != 0 || !S_ISDIR(status.st_mode)))
		return -ENOTDIR;
	return hostpath_walk(path->place->mount, &path->place->caller, &path->start, path->text,
	                     (how & (HOSTPATH_NOFOLLOW | HOSTPATH_PARENT | HOSTPATH_CREATE)) |
	                         HOSTPATH_PROGRAM,
	                     last, &closed);
}

/* A call for one path. */
struct job {
	struct path path;
	unsigned how;
	path_fn fn;
	name_fn name_fn;
	void *ctx;
};

static int64_t run_job(void *ctx)
{
	struct job *job = ctx;
	int fd = path_walk(&job->path, job->how, NULL);

	if (fd < 0)
		return fd;
	int64_t result = job->fn(fd, job->ctx);
	close(fd);
	return result;
}

int64_t path_call(struct call *call, int dirfd, uint64_t va, unsigned how, path_fn fn, void *ctx)
{
	struct job job = {.how = how, .fn = fn, .ctx = ctx};
	int64_t result = path_get(call, &job.path, dirfd, va, how);

	if (result < 0)
		return result;
	/* Pipes and the console have no host file that could be changed. */
	if (path_is_base(&job.path) && job.path.base != NULL && job.path.host < 0)
		result = -EBADF;
	else
		result = place_as_owner(job.path.place, run_job, &job);
	path_clear(&job.path);
	return result;
}

static int64_t run_name_job(void *ctx)
{
	struct job *job = ctx;
	struct hostpath_last last;
	int parent = path_walk(&job->path, HOSTPATH_PARENT, &last);

	if (parent < 0)
		return parent;
	int64_t result = job->name_fn(parent, last.name, job->ctx);
	close(parent);
	return result;
}

int64_t path_name_call(struct call *call, int dirfd, uint64_t va, name_fn fn, void *ctx)
{
	struct job job = {.name_fn = fn, .ctx = ctx};
	int64_t result = path_get(call, &job.path, dirfd, va, 0);

	if (result < 0)
		return result;
	result = place_as_maker(job.path.place, run_name_job, &job);
	path_clear(&job.path);
	return result;
}
