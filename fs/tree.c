/*
 * tree.c - ONE table that lists every file of a mount, and finding one's way in it.
 */
#include "fs/tree.h"
#include "fs/ctlfile.h"
#include "fs/directory.h"
#include "fs/link.h"
#include "fs/memfile.h"
#include "fs/render.h"
#include "fs/textfile.h"

#include <string.h>
#include <unistd.h>

enum {
	ROOT,
	PROCESS,
	ROW_BITS = 8,
	PID_SHIFT = 32,
};

/*
 * How long the kernel may rely on what it was told, in seconds. A name never comes to mean another file. Attributes
 * of a process's files are asked for at each step of a path, so that its end shows at once. Those of the root's change
 * only in the number of links, and are asked for as often, so they last a little.
 */
static const double name_timeout = 60;
static const double process_attr_timeout = 0;
static const double root_attr_timeout = 1;

static const struct tree_file files[];

#define DIRECTORY S_IFDIR | 0555, &directory_class
#define TEXT(mode) S_IFREG | (mode), &textfile_class

static const struct tree_file files[] = {
    [ROOT] = {NULL, NULL, DIRECTORY},
    [PROCESS] = {NULL, &files[ROOT], DIRECTORY},

    {"README", &files[ROOT], TEXT(0444), render_readme},
    /* Anyone whom the mount lets in may make processes: they belong to who made them. */
    {"ctl", &files[ROOT], S_IFREG | 0666, &ctlfile_class},
    {"frames", &files[ROOT], TEXT(0444), render_frames},
    {"meminfo", &files[ROOT], TEXT(0444), render_meminfo},
    {"objects", &files[ROOT], TEXT(0444), render_objects},
    {"version", &files[ROOT], TEXT(0444), render_version},
    {"vmstat", &files[ROOT], TEXT(0444), render_vmstat},

    {"auxv", &files[PROCESS], TEXT(0400), render_auxv},
    {"cmdline", &files[PROCESS], TEXT(0444), render_cmdline},
    {"comm", &files[PROCESS], TEXT(0444), render_comm},
    {"ctl", &files[PROCESS], S_IFREG | 0600, &ctlfile_class},
    {"environ", &files[PROCESS], TEXT(0400), render_environ},
    {"exe", &files[PROCESS], S_IFLNK | 0777, .link = link_exe},
    {"faults", &files[PROCESS], TEXT(0444), render_faults},
    {"maps", &files[PROCESS], TEXT(0444), render_maps},
    {"mem", &files[PROCESS], S_IFREG | 0600, &memfile_class},
    {"pagetable", &files[PROCESS], TEXT(0444), render_pagetable},
    {"stat", &files[PROCESS], TEXT(0444), render_stat},
    {"statm", &files[PROCESS], TEXT(0444), render_statm},
    {"status", &files[PROCESS], TEXT(0444), render_status},
};

G_STATIC_ASSERT(G_N_ELEMENTS(files) < 1 << ROW_BITS);

fuse_ino_t tree_ino(const struct tree_file *file, pid_t pid)
{
	return (fuse_ino_t)pid << PID_SHIFT | (fuse_ino_t)(file - files + 1);
}

bool tree_find(struct fs_mount *mount, fuse_ino_t ino, struct tree_node *node)
{
	fuse_ino_t row = (ino & ((UINT64_C(1) << PID_SHIFT) - 1)) - 1;
	pid_t pid = (pid_t)(ino >> PID_SHIFT);

	if (row >= G_N_ELEMENTS(files))
		return false;
	node->file = &files[row];
	node->process = pid != 0 ? vm_process_find(mount->machine, pid) : NULL;
	return pid == 0 || node->process != NULL;
}

/* The number that NAME writes as the kernel would, without sign or zeros in front; 0 if it does not. */
static pid_t pid_parse(const char *name)
{
	int64_t pid = 0;

	for (const char *c = name; *c != '\0'; c++) {
		if (!g_ascii_isdigit(*c) || name[0] == '0')
			return 0;
		pid = pid * 10 + (*c - '0');
		if (pid > G_MAXINT32)
			return 0;
	}
	return (pid_t)pid;
}

static bool lookup_process(struct fs_mount *mount, const char *name, struct tree_node *node)
{
	pid_t pid = pid_parse(name);

	node->file = &files[PROCESS];
	node->process = pid != 0 ? vm_process_find(mount->machine, pid) : NULL;
	return node->process != NULL;
}

bool tree_lookup(struct fs_mount *mount, const struct tree_node *dir, const char *name, struct tree_node *node)
{
	const struct tree_file *file = NULL;

	while ((file = tree_next(dir->file, file)) != NULL) {
		if (strcmp(file->name, name) != 0)
			continue;
		node->file = file;
		node->process = dir->process != NULL ? vm_process_ref(dir->process) : NULL;
		return true;
	}
	return tree_has_processes(dir->file) && lookup_process(mount, name, node);
}

void tree_node_clear(struct tree_node *node)
{
	g_clear_pointer(&node->process, vm_process_unref);
}

static struct timespec timespec_add(struct timespec a, struct timespec b)
{
	struct timespec sum = {a.tv_sec + b.tv_sec, a.tv_nsec + b.tv_nsec};

	if (sum.tv_nsec >= 1000000000) {
		sum.tv_sec++;
		sum.tv_nsec -= 1000000000;
	}
	return sum;
}

static nlink_t count_subdirs(const struct tree_file *dir)
{
	const struct tree_file *file = NULL;
	nlink_t count = 0;

	while ((file = tree_next(dir, file)) != NULL)
		count += S_ISDIR(file->mode);
	return count;
}

static void stat_process(const struct tree_file *file, struct vm_process *process, struct stat *st)
{
	struct vm_process_info info;

	vm_process_info(process, &info);
	st->st_ino = tree_ino(file, info.pid);
	st->st_uid = info.cred.uid;
	st->st_gid = info.cred.gid;
	st->st_mtim = timespec_add(st->st_mtim, info.start);
	if (file->class != NULL && file->class->stat != NULL)
		file->class->stat(&info, st);
}

void tree_stat(struct fs_mount *mount, const struct tree_file *file, struct vm_process *process, struct stat *st)
{
	struct vm_machine_info machine;

	vm_machine_info(mount->machine, &machine);
	*st = (struct stat){
	    .st_ino = tree_ino(file, 0),
	    .st_mode = file->mode,
	    .st_nlink = S_ISDIR(file->mode) ? 2 + count_subdirs(file) : 1,
	    .st_uid = mount->daemon_uid,
	    .st_gid = getgid(),
	    .st_mtim = machine.start,
	};
	if (tree_has_processes(file))
		st->st_nlink += machine.processes;
	if (process != NULL)
		stat_process(file, process, st);
	st->st_atim = st->st_ctim = st->st_mtim;
}

double tree_attr_timeout(const struct vm_process *process)
{
	return process != NULL ? process_attr_timeout : root_attr_timeout;
}

void tree_entry(struct fs_mount *mount, const struct tree_file *file, struct vm_process *process,
                struct fuse_entry_param *entry)
{
	*entry = (struct fuse_entry_param){.entry_timeout = name_timeout, .attr_timeout = tree_attr_timeout(process)};
	tree_stat(mount, file, process, &entry->attr);
	entry->ino = entry->attr.st_ino;
}

const struct tree_file *tree_next(const struct tree_file *dir, const struct tree_file *previous)
{
	const struct tree_file *file = previous == NULL ? files : previous + 1;

	for (; file < files + G_N_ELEMENTS(files); file++)
		if (file->parent == dir && file->name != NULL)
			return file;
	return NULL;
}

const struct tree_file *tree_process_dir(void)
{
	return &files[PROCESS];
}

bool tree_has_processes(const struct tree_file *dir)
{
	return dir == &files[ROOT];
}
