/*
 * own.c - a caller's own directory: how the pid is found, and the few files in it.
 */
#include "fs/files/own.h"

#include "fs/host/hostprocess.h"
#include "fs/text/render.h"
#include "fs/text/task_state.h"

#include "util/number.h"
#include "util/proc.h"
#include "util/text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

/* The last number in the line KEY: the pid in the innermost namespace. */
static pid_t innermost(const struct fs_mount *mount, const struct fs_caller *caller,
                       const char *key)
{
	/* The line has the pid in each namespace of the process, the innermost last. */
	g_autoptr(GArray) pids = hostprocess_numbers(mount, caller->pid, key);
	bool known = pids != NULL && pids->len > 0;
	pid_t pid = known ? (pid_t)g_array_index(pids, uint32_t, pids->len - 1) : 0;

	return pid != 0 ? pid : caller->pid;
}

pid_t own_pid(const struct fs_mount *mount, const struct fs_caller *caller)
{
	return innermost(mount, caller, "NStgid");
}

pid_t own_tid(const struct fs_mount *mount, const struct fs_caller *caller)
{
	return innermost(mount, caller, "NSpid");
}

void own_cmdline(GString *out, const struct fs_mount *mount, const struct fs_caller *caller,
                 const struct vm_process_info *info)
{
	g_string_append_len(out, info->comm, (gssize)strlen(info->comm) + 1);
}

void own_comm(GString *out, const struct fs_mount *mount, const struct fs_caller *caller,
              const struct vm_process_info *info)
{
	g_string_append_printf(out, "%s\n", info->comm);
}

void own_nothing(GString *out, const struct fs_mount *mount, const struct fs_caller *caller,
                 const struct vm_process_info *info)
{
}

void own_stat(GString *out, const struct fs_mount *mount, const struct fs_caller *caller,
              const struct vm_process_info *info)
{
	struct task_state state = task_state_none(info);

	stat_text(out, info, &state);
}

void own_statm(GString *out, const struct fs_mount *mount, const struct fs_caller *caller,
               const struct vm_process_info *info)
{
	g_string_append(out, "0 0 0 0 0 0 0\n");
}

void own_status(GString *out, const struct fs_mount *mount, const struct fs_caller *caller,
                const struct vm_process_info *info)
{
	struct task_state state = task_state_none(info);

	status_text(out, info, &state);
}

/* What its real calls have moved is not the machine's. */
void own_io(GString *out, const struct fs_mount *mount, const struct fs_caller *caller,
            const struct vm_process_info *info)
{
	g_string_append(out, "rchar: 0\nwchar: 0\nsyscr: 0\nsyscw: 0\nread_bytes: 0\n"
	                     "write_bytes: 0\ncancelled_write_bytes: 0\n");
}

/* Append the file NAME of the caller in the host's /proc. It is the caller's own. */
static void add_host_text(GString *out, const struct fs_mount *mount,
                          const struct fs_caller *caller, const char *name)
{
	g_autofree char *text = proc_read(mount->proc_pids, "%d/%s", (int)caller->pid, name);

	for (char *line = text, *end; line != NULL && (end = strchr(line, '\n')) != NULL;
	     line = end + 1) {
		*end = '\0';
		text_escaped(out, line, "");
		g_string_append_c(out, '\n');
	}
}

void own_mountinfo(GString *out, const struct fs_mount *mount, const struct fs_caller *caller,
                   const struct vm_process_info *info)
{
	add_host_text(out, mount, caller, "mountinfo");
}

void own_mounts(GString *out, const struct fs_mount *mount, const struct fs_caller *caller,
                const struct vm_process_info *info)
{
	add_host_text(out, mount, caller, "mounts");
}

/* --- Links ------------------------------------------------------------------------------------ */

/* The target of the link NAME of the caller in the host's /proc. */
static char *host_link(const struct fs_mount *mount, const struct fs_caller *caller,
                       const char *name, int *error)
{
	char target[PATH_MAX];

	*error = -ENOENT;
	if (caller->pid == 0 || !proc_read_link(mount->proc_pids, target, sizeof target, "%d/%s",
	                                        (int)caller->pid, name))
		return NULL;
	return g_strdup(target);
}

char *own_cwd(struct fs_mount *mount, struct vm_process *process, unsigned index,
              const struct fs_caller *caller, int *error)
{
	return host_link(mount, caller, "cwd", error);
}

char *own_exe(struct fs_mount *mount, struct vm_process *process, unsigned index,
              const struct fs_caller *caller, int *error)
{
	return host_link(mount, caller, "exe", error);
}

char *own_fd(struct fs_mount *mount, struct vm_process *process, unsigned index,
             const struct fs_caller *caller, int *error)
{
	g_autofree char *name = g_strdup_printf("fd/%u", index);

	return host_link(mount, caller, name, error);
}

/* --- Threads and descriptors ------------------------------------------------------------------ */

/* Gets a number that is the name of something in a directory. False: no more. */
typedef bool (*number_fn)(void *ctx, int number);

/* Call FN (CTX) for each number in the directory NAME of the caller in the host's /proc. */
static void each_number(const struct fs_mount *mount, const struct fs_caller *caller,
                        const char *name, number_fn fn, void *ctx)
{
	int fd = caller->pid != 0 ? proc_open_file(mount->proc_pids, O_RDONLY | O_DIRECTORY,
	                                           "%d/%s", (int)caller->pid, name)
	                          : -1;
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *entry;
	uint64_t number;

	if (dir == NULL && fd >= 0)
		close(fd);
	while (dir != NULL && (entry = readdir(dir)) != NULL)
		if (number_parse(entry->d_name, &number) && number <= INT_MAX &&
		    !fn(ctx, (int)number))
			break;
	if (dir != NULL)
		closedir(dir);
}

/* Adds threads, or looks for one. */
struct threads {
	const struct fs_mount *mount;
	tree_add_fn add;
	void *ctx;
	int wanted;
	bool found;
};

static bool see_thread(void *ctx, int number)
{
	struct threads *threads = ctx;
	const struct fs_caller thread = {.pid = number};
	int tid = own_tid(threads->mount, &thread);

	threads->found |= tid == threads->wanted;
	return threads->add != NULL ? threads->add(threads->ctx, tid, 0) : !threads->found;
}

bool own_each_thread(struct fs_mount *mount, struct vm_process *process,
                     const struct fs_caller *caller, tree_add_fn add, void *ctx)
{
	struct threads threads = {.mount = mount, .add = add, .ctx = ctx};

	each_number(mount, caller, "task", see_thread, &threads);
	return true;
}

bool own_has_thread(struct fs_mount *mount, struct vm_process *process,
                    const struct fs_caller *caller, int number)
{
	struct threads threads = {.mount = mount, .wanted = number};

	if (caller == NULL)
		return true;
	each_number(mount, caller, "task", see_thread, &threads);
	return threads.found;
}

struct fds {
	tree_add_fn add;
	void *ctx;
};

static bool see_fd(void *ctx, int number)
{
	const struct fds *fds = ctx;

	return fds->add(fds->ctx, number, 0);
}

bool own_each_fd(struct fs_mount *mount, struct vm_process *process, const struct fs_caller *caller,
                 tree_add_fn add, void *ctx)
{
	struct fds fds = {add, ctx};

	each_number(mount, caller, "fd", see_fd, &fds);
	return true;
}

bool own_has_fd(struct fs_mount *mount, struct vm_process *process, const struct fs_caller *caller,
                int number)
{
	int error;
	g_autofree char *target =
	    caller != NULL ? own_fd(mount, NULL, (unsigned)number, caller, &error) : NULL;

	return caller == NULL || target != NULL;
}

/* Looks for the descriptor that leads to NAME. */
struct search {
	struct fs_mount *mount;
	const struct fs_caller *caller;
	const char *name;
	int fd;
};

static bool see_name(void *ctx, int number)
{
	struct search *search = ctx;
	int error;
	g_autofree char *target =
	    own_fd(search->mount, NULL, (unsigned)number, search->caller, &error);

	if (target != NULL && strcmp(target, search->name) == 0)
		search->fd = number;
	return search->fd < 0;
}

int own_pipe_number(struct fs_mount *mount, struct vm_process *process,
                    const struct fs_caller *caller, const char *name)
{
	struct search search = {mount, caller, name, -1};

	if (strchr(name, ':') != NULL && caller != NULL)
		each_number(mount, caller, "fd", see_name, &search);
	return search.fd;
}
