/*
 * tree.c - the table of all files in a mount, and how files are found in it.
 */
#include "fs/files/tree.h"
#include "fs/files/consolefile.h"
#include "fs/files/corefile.h"
#include "fs/files/ctlfile.h"
#include "fs/files/eventfile.h"
#include "fs/files/link.h"
#include "fs/files/maplink.h"
#include "fs/files/memfile.h"
#include "fs/files/nslink.h"
#include "fs/files/own.h"
#include "fs/files/physfile.h"
#include "fs/files/pipefile.h"
#include "fs/files/replayfile.h"
#include "fs/files/textfile.h"
#include "fs/files/wordfile.h"
#include "fs/picture/picture.h"
#include "fs/text/fixed.h"
#include "fs/text/knob.h"
#include "fs/text/render.h"
#include "util/nanoseconds.h"
#include "util/number.h"
#include "vm/vm_core.h"

#include <string.h>
#include <unistd.h>

enum {
	ROOT,
	PROCESS,
	TASK,
	THREAD,
	FDS,
	FDINFO,
	MAP_FILES,
	NS,
	ATTR,
	THREAD_FDS,
	THREAD_FDINFO,
	THREAD_NS,
	THREAD_ATTR,
	NET,
	PRESSURE,
	SYS,
	SYS_VM,
	SYS_KERNEL,
	SYS_FS,
	OWN,
	OWN_TASK,
	OWN_THREAD,
	OWN_FDS,
	OWN_NS,
	/* st_size of the links of descriptors and areas (proc_fd_instantiate) */
	PROC_LINK_SIZE = 64,
	ROW_BITS = 8,
	INDEX_BITS = 24,
	PID_SHIFT = ROW_BITS + INDEX_BITS,
};

/*
 * How many seconds the kernel may rely on an answer. A name always means the same file, except
 * descriptors, and names that only one caller has. The kernel asks for the attributes of a
 * process's file at each step of a path, so that it sees the end of the process at once. Those of
 * the root's directories and links change only in the number of links, but would be asked for as
 * often, so they stay valid for a second. The kernel must ask for those of the root's files, too:
 * the size of a text changes, and the kernel itself sets a size of 0 when someone opens the file
 * with O_TRUNC. It asks when it checks the mode at open; only then is it right for a splice.
 */
static const double name_timeout = 60;
static const double changing_attr_timeout = 0;
static const double root_attr_timeout = 1;

/* --- Nodes with numbers ----------------------------------------------------------------------- */

static int next_process(struct fs_mount *mount, struct vm_process *process, int after)
{
	pid_t pid = vm_machine_next_pid(mount->machine, MAX(after, 0));

	return pid != 0 ? pid : -1;
}

static bool is_pid(struct fs_mount *mount, struct vm_process *process,
                   const struct fs_caller *caller, int number)
{
	return number > 0;
}

static const struct tree_numbers process_numbers = {
    .pids = true, .next = next_process, .has = is_pid};

static int next_thread(struct fs_mount *mount, struct vm_process *process, int after)
{
	pid_t tid = vm_process_next_thread(process, MAX(after, 0));

	return tid != 0 ? tid : -1;
}

static bool is_thread(struct fs_mount *mount, struct vm_process *process,
                      const struct fs_caller *caller, int number)
{
	return number > 0 && vm_process_next_thread(process, number - 1) == number;
}

static const struct tree_numbers thread_numbers = {
    .pids = true, .next = next_thread, .has = is_thread};

static const struct tree_numbers fd_numbers = {.next = link_next_fd, .has = link_has_fd};

static const struct tree_numbers area_numbers = {
    .each = maplink_each, .has = maplink_has, .name = maplink_name, .number = maplink_number};
static const struct tree_numbers ns_numbers = {
    .each = nslink_each, .has = nslink_has, .name = nslink_name, .number = nslink_number};
/* What the links lead to. Nobody sees these in a listing. */
static const struct tree_numbers ns_file_numbers = {
    .has = nslink_has, .number = nslink_target_number, .ino = nslink_ino};

static bool is_own(struct fs_mount *mount, struct vm_process *process,
                   const struct fs_caller *caller, int number)
{
	return caller == NULL || own_pid(mount, caller) == number;
}

static const struct tree_numbers own_numbers = {.pids = true, .has = is_own};
static const struct tree_numbers own_thread_numbers = {
    .pids = true, .each = own_each_thread, .has = own_has_thread};
static const struct tree_numbers own_fd_numbers = {.each = own_each_fd, .has = own_has_fd};
/* What the links lead to that are no paths. Nobody sees these in a listing. */
static const struct tree_numbers own_pipe_numbers = {.has = own_has_fd, .number = own_pipe_number};

/* --- The table -------------------------------------------------------------------------------- */

#define DIRECTORY(mode) S_IFDIR | (mode)
#define TEXT(mode, function) S_IFREG | (mode), &textfile_class, .render = (function)
#define VIEW(mode, function) S_IFREG | (mode), &textfile_class, .view = (function)
#define PICTURE(function, growth) \
	S_IFREG | 0444, &picturefile_class, .view = (function), .work = (growth)
#define LONG_TEXT(mode, function, growth) TEXT(mode, function), .work = (growth)
#define LINES(mode, function, growth) \
	S_IFREG | (mode), &textfile_class, .lines = (function), .work = (growth)
#define VALUE(mode, function) S_IFREG | (mode), &valuefile_class, .render = (function)
#define WORDS(mode, function) S_IFREG | (mode), &wordfile_class, .words = (function)
#define FIXED(mode, text) S_IFREG | (mode), &textfile_class, .fixed = (text), .is_fixed = true
#define ITEM(mode, function) S_IFREG | (mode), &textfile_class, .item = (function)
#define LINK(function) S_IFLNK | 0777, .link = (function)
#define OWN_TEXT(function) S_IFREG | 0444, &ownfile_class, .own = (function)

/*
 * The files that processes and threads both have. Guarded are those that /proc guards, and those of
 * ours that tell as much.
 */
#define THREAD_FILES(parent) \
	{"auxv", parent, TEXT(0400, render_auxv), .guarded = true}, \
	    {"cgroup", parent, FIXED(0444, fixed_cgroup)}, \
	    {"clear_refs", parent, VALUE(0200, NULL), .store = store_clear_refs}, \
	    {"cmdline", parent, LINES(0444, lines_cmdline, WORK_LITTLE), \
	     .length = length_cmdline}, \
	    {"comm", parent, VALUE(0644, render_comm), .store = store_comm}, \
	    {"cwd", parent, LINK(link_cwd), .guarded = true}, \
	    {"environ", parent, LINES(0400, lines_environ, WORK_LITTLE), .length = length_environ, \
	     .guarded = true}, \
	    {"exe", parent, LINK(link_exe), .guarded = true}, \
	    {"gid_map", parent, FIXED(0444, fixed_id_map)}, \
	    {"io", parent, TEXT(0400, render_io), .guarded = true}, \
	    {"limits", parent, TEXT(0444, render_limits)}, \
	    {"loginuid", parent, FIXED(0444, fixed_no_login)}, \
	    {"maps", parent, LINES(0444, lines_maps, WORK_AREAS), .guarded = true}, \
	    {"mem", parent, S_IFREG | 0600, &memfile_class, .guarded = true}, \
	    {"mountinfo", parent, TEXT(0444, render_mountinfo)}, \
	    {"mounts", parent, TEXT(0444, render_mounts)}, \
	    {"numa_maps", parent, LINES(0444, lines_numa_maps, WORK_USAGE), .guarded = true}, \
	    {"oom_score", parent, TEXT(0444, render_oom_score)}, \
	    {"oom_score_adj", parent, VALUE(0644, render_oom_score_adj), \
	     .store_as = store_oom_score_adj}, \
	    {"pagemap", parent, WORDS(0400, words_pagemap), .guarded = true}, \
	    {"personality", parent, TEXT(0400, render_personality), .guarded = true}, \
	    {"root", parent, LINK(link_root), .guarded = true}, \
	    {"schedstat", parent, TEXT(0444, render_schedstat)}, \
	    {"sessionid", parent, FIXED(0444, fixed_no_login)}, \
	    {"setgroups", parent, FIXED(0444, fixed_setgroups)}, \
	    {"smaps", parent, LINES(0444, lines_smaps, WORK_USAGE), .guarded = true}, \
	    {"smaps_rollup", parent, LONG_TEXT(0444, render_smaps_rollup, WORK_USAGE), \
	     .guarded = true}, \
	    {"stack", parent, TEXT(0400, render_stack), .guarded = true}, \
	    {"stat", parent, VIEW(0444, view_stat)}, {"statm", parent, TEXT(0444, render_statm)}, \
	    {"status", parent, VIEW(0444, view_status)}, \
	    {"syscall", parent, TEXT(0400, render_syscall), .guarded = true}, \
	    {"uid_map", parent, FIXED(0444, fixed_id_map)}, \
	{ \
		"wchan", parent, VIEW(0444, view_wchan) \
	}

/* The directories that both have, with what is in them. */
#define FD_FILE(parent) \
	{ \
		NULL, parent, LINK(link_fd), .numbers = &fd_numbers, .guarded = true, \
		                             .link_mode = link_fd_mode, \
		                             .link_size = PROC_LINK_SIZE \
	}
#define FDINFO_FILE(parent) \
	{ \
		NULL, parent, ITEM(0444, item_fdinfo), .numbers = &fd_numbers, .guarded = true \
	}
#define ATTR_FILES(parent) \
	{ \
		"current", parent, FIXED(0444, fixed_label) \
	}
#define OWN_FILES(parent) \
	{"cmdline", parent, OWN_TEXT(own_cmdline)}, {"comm", parent, OWN_TEXT(own_comm)}, \
	    {"stat", parent, OWN_TEXT(own_stat)}, {"statm", parent, OWN_TEXT(own_statm)}, \
	{ \
		"status", parent, OWN_TEXT(own_status) \
	}
#define NS_FILES(parent) \
	{NULL, parent, LINK(nslink_target), .numbers = &ns_numbers, .guarded = true}, \
	{ \
		NULL, parent, FIXED(0444, fixed_empty), .numbers = &ns_file_numbers \
	}

static const struct tree_file files[] = {
    [ROOT] = {NULL, NULL, DIRECTORY(0555)},
    [PROCESS] = {NULL, &files[ROOT], DIRECTORY(0555), .numbers = &process_numbers},
    [TASK] = {"task", &files[PROCESS], DIRECTORY(0555)},
    [THREAD] = {NULL, &files[TASK], DIRECTORY(0555), .numbers = &thread_numbers},
    [FDS] = {"fd", &files[PROCESS], DIRECTORY(0500)},
    [FDINFO] = {"fdinfo", &files[PROCESS], DIRECTORY(0555)},
    [MAP_FILES] = {"map_files", &files[PROCESS], DIRECTORY(0500)},
    [NS] = {"ns", &files[PROCESS], DIRECTORY(0511)},
    [ATTR] = {"attr", &files[PROCESS], DIRECTORY(0555)},
    [THREAD_FDS] = {"fd", &files[THREAD], DIRECTORY(0500)},
    [THREAD_FDINFO] = {"fdinfo", &files[THREAD], DIRECTORY(0555)},
    [THREAD_NS] = {"ns", &files[THREAD], DIRECTORY(0511)},
    [THREAD_ATTR] = {"attr", &files[THREAD], DIRECTORY(0555)},
    [NET] = {"net", &files[ROOT], DIRECTORY(0555)},
    [PRESSURE] = {"pressure", &files[ROOT], DIRECTORY(0555)},
    [SYS] = {"sys", &files[ROOT], DIRECTORY(0555)},
    [SYS_VM] = {"vm", &files[SYS], DIRECTORY(0555)},
    [SYS_KERNEL] = {"kernel", &files[SYS], DIRECTORY(0555)},
    [SYS_FS] = {"fs", &files[SYS], DIRECTORY(0555)},
    [OWN] = {NULL, &files[ROOT], DIRECTORY(0555), .numbers = &own_numbers},
    [OWN_TASK] = {"task", &files[OWN], DIRECTORY(0555)},
    [OWN_THREAD] = {NULL, &files[OWN_TASK], DIRECTORY(0555), .numbers = &own_thread_numbers},
    [OWN_FDS] = {"fd", &files[OWN], DIRECTORY(0555)},
    [OWN_NS] = {"ns", &files[OWN], DIRECTORY(0555)},

    {"README", &files[ROOT], TEXT(0444, render_readme)},
    {"buddyinfo", &files[ROOT], TEXT(0444, render_buddyinfo)},
    {"cgroups", &files[ROOT], FIXED(0444, fixed_cgroups)},
    {"cmdline", &files[ROOT], TEXT(0444, render_machine_cmdline)},
    {"cpuinfo", &files[ROOT], TEXT(0444, render_cpuinfo)},
    /* Anyone who may use the mount may make processes. They belong to their maker. */
    {"ctl", &files[ROOT], S_IFREG | 0666, &ctlfile_class},
    {"devices", &files[ROOT], FIXED(0444, fixed_devices)},
    {"diskstats", &files[ROOT], FIXED(0444, fixed_empty)},
    {"events", &files[ROOT], S_IFREG | 0444, &eventfile_class},
    {"filesystems", &files[ROOT], TEXT(0444, render_filesystems)},
    {"frames", &files[ROOT], LINES(0444, lines_frames, WORK_FRAMES)},
    {"interrupts", &files[ROOT], FIXED(0444, fixed_interrupts)},
    {"frames.svg", &files[ROOT], PICTURE(view_frames_svg, WORK_FRAMES)},
    {"index.html", &files[ROOT], PICTURE(view_machine_page, WORK_FRAMES)},
    {"kpagecount", &files[ROOT], WORDS(0400, words_kpagecount)},
    {"kpageflags", &files[ROOT], WORDS(0400, words_kpageflags)},
    {"loadavg", &files[ROOT], TEXT(0444, render_loadavg)},
    {"locks", &files[ROOT], FIXED(0444, fixed_empty)},
    {"meminfo", &files[ROOT], TEXT(0444, render_meminfo)},
    {"mounts", &files[ROOT], TEXT(0444, render_mounts)},
    {"objects", &files[ROOT], LINES(0444, lines_objects, WORK_MUCH)},
    {"partitions", &files[ROOT], FIXED(0444, fixed_partitions)},
    {"physmem", &files[ROOT], S_IFREG | 0400, &physfile_class},
    {"queue", &files[ROOT], LINES(0444, lines_queue, WORK_FRAMES)},
    {"self", &files[ROOT], LINK(link_self)},
    {"slabinfo", &files[ROOT], TEXT(0444, render_slabinfo)},
    {"softirqs", &files[ROOT], FIXED(0444, fixed_softirqs)},
    {"stat", &files[ROOT], TEXT(0444, render_machine_stat)},
    {"swaps", &files[ROOT], TEXT(0444, render_swaps)},
    {"thread-self", &files[ROOT], LINK(link_thread_self)},
    {"uptime", &files[ROOT], TEXT(0444, render_uptime)},
    {"version", &files[ROOT], TEXT(0444, render_version)},
    {"vmstat", &files[ROOT], TEXT(0444, render_vmstat)},
    {"zoneinfo", &files[ROOT], TEXT(0444, render_zoneinfo)},

    {"dev", &files[NET], FIXED(0444, fixed_net_dev)},
    {"if_inet6", &files[NET], FIXED(0444, fixed_empty)},
    {"route", &files[NET], FIXED(0444, fixed_net_route)},
    {"tcp", &files[NET], FIXED(0444, fixed_net_tcp)},
    {"tcp6", &files[NET], FIXED(0444, fixed_net_tcp6)},
    {"udp", &files[NET], FIXED(0444, fixed_net_udp)},
    {"udp6", &files[NET], FIXED(0444, fixed_net_udp6)},
    {"unix", &files[NET], FIXED(0444, fixed_net_unix)},

    {"cpu", &files[PRESSURE], FIXED(0444, fixed_pressure)},
    {"io", &files[PRESSURE], FIXED(0444, fixed_pressure)},
    {"memory", &files[PRESSURE], FIXED(0444, fixed_pressure)},

    {"cap_last_cap", &files[SYS_KERNEL], FIXED(0444, fixed_cap_last_cap)},
    {"hostname", &files[SYS_KERNEL], FIXED(0444, fixed_hostname)},
    {"osrelease", &files[SYS_KERNEL], TEXT(0444, render_osrelease)},
    {"ostype", &files[SYS_KERNEL], FIXED(0444, fixed_ostype)},
    {"pid_max", &files[SYS_KERNEL], TEXT(0444, render_pid_max)},
    {"threads-max", &files[SYS_KERNEL], FIXED(0444, fixed_threads_max)},

    {"file-nr", &files[SYS_FS], TEXT(0444, render_file_nr)},

    {"dirty_ratio", &files[SYS_VM], VALUE(0644, knob_show_dirty_ratio),
     .store = knob_store_dirty_ratio},
    {"dirty_writeback_centisecs", &files[SYS_VM], VALUE(0644, knob_show_writeback),
     .store = knob_store_writeback},
    {"drop_caches", &files[SYS_VM], VALUE(0200, NULL), .store = knob_store_drop_caches,
     .write_only = true},
    {"fork", &files[SYS_VM], VALUE(0644, knob_show_fork), .store = knob_store_fork},
    {"local_frames", &files[SYS_VM], VALUE(0644, knob_show_local_frames),
     .store = knob_store_local_frames},
    {"max_map_count", &files[SYS_VM], VALUE(0644, knob_show_max_map_count),
     .store = knob_store_max_map_count},
    /* No frame is kept back. */
    {"min_free_kbytes", &files[SYS_VM], FIXED(0444, fixed_zero)},
    {"mmap_min_addr", &files[SYS_VM], VALUE(0644, knob_show_mmap_min_addr),
     .store = knob_store_mmap_min_addr},
    {"nr_hugepages", &files[SYS_VM], FIXED(0444, fixed_zero)},
    {"oom", &files[SYS_VM], VALUE(0644, knob_show_oom), .store = knob_store_oom},
    {"overcommit_memory", &files[SYS_VM], VALUE(0644, knob_show_overcommit),
     .store = knob_store_overcommit},
    {"overcommit_ratio", &files[SYS_VM], VALUE(0644, knob_show_overcommit_ratio),
     .store = knob_store_overcommit_ratio},
    /* 2^0: swap is read and written a page at a time. */
    {"page-cluster", &files[SYS_VM], FIXED(0444, fixed_zero)},
    {"policies", &files[SYS_VM], TEXT(0444, render_policies)},
    {"policy", &files[SYS_VM], VALUE(0644, knob_show_policy), .store = knob_store_policy},
    {"segv", &files[SYS_VM], VALUE(0644, knob_show_segv), .store = knob_store_segv},
    {"swappiness", &files[SYS_VM], VALUE(0644, knob_show_swappiness),
     .store = knob_store_swappiness},

    THREAD_FILES(&files[PROCESS]),
    {"calls", &files[PROCESS], VIEW(0400, view_calls), .guarded = true},
    {"console", &files[PROCESS], S_IFREG | 0600, &consolefile_class, .guarded = true},
    {"core", &files[PROCESS], S_IFREG | 0400, &corefile_class, .guarded = true},
    {"coredump_filter", &files[PROCESS], VALUE(0644, render_coredump_filter),
     .store = store_coredump_filter},
    {"ctl", &files[PROCESS], S_IFREG | 0600, &ctlfile_class, .guarded = true},
    {"faults", &files[PROCESS], LINES(0444, lines_faults, WORK_LITTLE), .guarded = true},
    {"index.html", &files[PROCESS], PICTURE(view_process_page, WORK_USAGE), .guarded = true},
    {"map.svg", &files[PROCESS], PICTURE(view_map_svg, WORK_USAGE), .guarded = true},
    {"pagetable", &files[PROCESS], LINES(0444, lines_pagetable, WORK_PAGES), .guarded = true},
    {"pagetable.svg", &files[PROCESS], PICTURE(view_pagetable_svg, WORK_PAGES), .guarded = true},
    {"regs", &files[PROCESS], VIEW(0400, view_regs), .guarded = true},
    {"replay", &files[PROCESS], S_IFREG | 0600, &replayfile_class, .guarded = true},
    {"timerslack_ns", &files[PROCESS], FIXED(0444, fixed_timerslack)},
    {"tlb", &files[PROCESS], LINES(0444, lines_tlb, WORK_LITTLE), .guarded = true},
    {"wait", &files[PROCESS], S_IFREG | 0400, &waitfile_class, .guarded = true},
    FD_FILE(&files[FDS]),
    FDINFO_FILE(&files[FDINFO]),
    NS_FILES(&files[NS]),
    ATTR_FILES(&files[ATTR]),
    {NULL, &files[MAP_FILES], LINK(maplink_target), .numbers = &area_numbers, .guarded = true,
     .link_mode = maplink_mode, .link_size = PROC_LINK_SIZE},

    THREAD_FILES(&files[THREAD]),
    {"children", &files[THREAD], TEXT(0444, render_children)},
    FD_FILE(&files[THREAD_FDS]),
    FDINFO_FILE(&files[THREAD_FDINFO]),
    NS_FILES(&files[THREAD_NS]),
    ATTR_FILES(&files[THREAD_ATTR]),

    OWN_FILES(&files[OWN]),
    {"cgroup", &files[OWN], FIXED(0444, fixed_cgroup)},
    {"cwd", &files[OWN], LINK(own_cwd)},
    {"environ", &files[OWN], OWN_TEXT(own_nothing)},
    {"exe", &files[OWN], LINK(own_exe)},
    {"gid_map", &files[OWN], FIXED(0444, fixed_id_map)},
    {"io", &files[OWN], OWN_TEXT(own_io)},
    {"loginuid", &files[OWN], FIXED(0444, fixed_no_login)},
    {"maps", &files[OWN], OWN_TEXT(own_nothing)},
    {"mountinfo", &files[OWN], OWN_TEXT(own_mountinfo)},
    {"mounts", &files[OWN], OWN_TEXT(own_mounts)},
    {"numa_maps", &files[OWN], OWN_TEXT(own_nothing)},
    {"oom_score", &files[OWN], FIXED(0444, fixed_zero)},
    {"oom_score_adj", &files[OWN], FIXED(0444, fixed_zero)},
    {"root", &files[OWN], LINK(link_root)},
    {"smaps", &files[OWN], OWN_TEXT(own_nothing)},
    {"smaps_rollup", &files[OWN], OWN_TEXT(own_nothing)},
    {"sessionid", &files[OWN], FIXED(0444, fixed_no_login)},
    {"uid_map", &files[OWN], FIXED(0444, fixed_id_map)},
    {"wchan", &files[OWN], FIXED(0444, fixed_zero)},
    OWN_FILES(&files[OWN_THREAD]),
    {NULL, &files[OWN_FDS], LINK(own_fd), .numbers = &own_fd_numbers, .link_size = PROC_LINK_SIZE},
    {NULL, &files[OWN_FDS], S_IFREG | 0666, &pipefile_class, .numbers = &own_pipe_numbers},
    NS_FILES(&files[OWN_NS]),
};

G_STATIC_ASSERT(G_N_ELEMENTS(files) < 1 << ROW_BITS);

/* --- Finding ---------------------------------------------------------------------------------- */

/* Whether nodes of FILE belong to a process of the machine. */
static bool is_in_process(const struct tree_file *file)
{
	while (file != NULL && file != &files[PROCESS])
		file = file->parent;
	return file != NULL;
}

fuse_ino_t tree_ino(const struct tree_node *node)
{
	return (fuse_ino_t)node->pid << PID_SHIFT | (fuse_ino_t)node->index << ROW_BITS |
	       (fuse_ino_t)(node->file - files + 1);
}

/* Complete NODE with a reference to its process. False if CALLER does not find the node. */
static bool node_enter(struct fs_mount *mount, struct tree_node *node,
                       const struct fs_caller *caller)
{
	const struct tree_numbers *numbers = node->file->numbers;
	int number = numbers != NULL && numbers->pids ? node->pid : (int)node->index;

	node->process =
	    is_in_process(node->file) ? vm_process_find(mount->machine, node->pid) : NULL;
	if (is_in_process(node->file) && node->process == NULL)
		return false;
	if (numbers == NULL || numbers->has(mount, node->process, caller, number))
		return true;
	tree_node_clear(node);
	return false;
}

/* Whether each open of FILE has an inode of its own. */
static bool is_slow(const struct tree_file *file)
{
	return file->class != NULL && file->class->slow;
}

fuse_ino_t tree_shown_ino(fuse_ino_t ino)
{
	fuse_ino_t row = (ino & ((1 << ROW_BITS) - 1)) - 1;

	if (row >= G_N_ELEMENTS(files) || !is_slow(&files[row]))
		return ino;
	return ino & ~((((fuse_ino_t)1 << INDEX_BITS) - 1) << ROW_BITS);
}

bool tree_find(struct fs_mount *mount, fuse_ino_t ino, struct tree_node *node)
{
	fuse_ino_t row = (ino & ((1 << ROW_BITS) - 1)) - 1;

	if (row >= G_N_ELEMENTS(files))
		return false;
	*node = (struct tree_node){
	    .file = &files[row],
	    .pid = (pid_t)(ino >> PID_SHIFT),
	    .index = ino >> ROW_BITS & ((1 << INDEX_BITS) - 1),
	};
	if (is_slow(node->file))
		node->index = 0;
	return node_enter(mount, node, NULL);
}

struct tree_node tree_child(const struct tree_node *dir, const struct tree_file *file, int number)
{
	struct tree_node node = {.file = file, .pid = dir->pid};

	if (file->numbers != NULL && file->numbers->pids)
		node.pid = number;
	else
		node.index = (unsigned)number;
	return node;
}

/*
 * The number that NAME stands for, or -1. It must be written as the kernel does it: without a sign,
 * and without zeros in front.
 */
static int number_of_name(const char *name)
{
	uint64_t number;

	if ((name[0] == '0' && name[1] != '\0') || !number_parse(name, &number) ||
	    number > G_MAXINT32)
		return -1;
	return (int)number;
}

bool tree_lookup(struct fs_mount *mount, const struct tree_node *dir, const char *name,
                 const struct fs_caller *caller, struct tree_node *node)
{
	const struct tree_file *file = NULL;
	int number = number_of_name(name);

	while ((file = tree_next(dir->file, file)) != NULL) {
		int of_row = file->numbers != NULL && file->numbers->number != NULL
		                 ? file->numbers->number(mount, dir->process, caller, name)
		                 : number;
		if (file->name != NULL ? strcmp(file->name, name) != 0 : of_row < 0)
			continue;
		*node = tree_child(dir, file, file->name != NULL ? 0 : of_row);
		if (node_enter(mount, node, caller))
			return true;
	}
	return false;
}

struct tree_node tree_node_copy(const struct tree_node *node)
{
	struct tree_node copy = *node;

	if (copy.process != NULL)
		vm_process_ref(copy.process);
	return copy;
}

void tree_node_clear(struct tree_node *node)
{
	g_clear_pointer(&node->process, vm_process_unref);
}

const struct tree_file *tree_next(const struct tree_file *dir, const struct tree_file *previous)
{
	const struct tree_file *file = previous == NULL ? files + 1 : previous + 1;

	for (; file < files + G_N_ELEMENTS(files); file++)
		if (file->parent == dir)
			return file;
	return NULL;
}

struct tree_node tree_parent(const struct tree_node *dir)
{
	const struct tree_file *parent = dir->file->parent != NULL ? dir->file->parent : dir->file;

	return (struct tree_node){.file = parent, .pid = parent == &files[ROOT] ? 0 : dir->pid};
}

/* --- Attributes ------------------------------------------------------------------------------- */

static nlink_t count_subdirs(const struct tree_file *dir)
{
	const struct tree_file *file = NULL;
	nlink_t count = 0;

	while ((file = tree_next(dir, file)) != NULL)
		count += S_ISDIR(file->mode) && file->name != NULL;
	return count;
}

void tree_set_size(struct stat *st, off_t size)
{
	st->st_size = size;
	st->st_blocks = (size + 511) / 512;
}

/* Fill in what a node takes from its process, INFO. */
static void stat_process(const struct vm_process_info *info, struct stat *st)
{
	st->st_uid = info->cred.uid;
	st->st_gid = info->cred.gid;
	st->st_mtim = ns_to_timespec(ns_from_timespec(&st->st_mtim) + info->start);
}

static void stat_link(const struct tree_node *node, struct stat *st)
{
	const struct tree_file *file = node->file;

	st->st_size = file->link_size;
	if (file->link_mode != NULL)
		st->st_mode = S_IFLNK | file->link_mode(node->process, node->index);
}

void tree_stat(struct fs_mount *mount, const struct tree_node *node, struct stat *st)
{
	const struct tree_file *file = node->file;
	struct vm_machine_info machine;
	struct vm_process_info info;

	vm_machine_info(mount->machine, &machine);
	*st = (struct stat){
	    .st_ino = tree_ino(node),
	    .st_mode = file->mode,
	    .st_nlink = S_ISDIR(file->mode) ? 2 + count_subdirs(file) : 1,
	    .st_uid = mount->daemon_uid,
	    .st_gid = getgid(),
	    .st_blksize = VM_PAGE_SIZE,
	    .st_mtim = ns_to_timespec(machine.start),
	};
	if (file == &files[ROOT])
		st->st_nlink += machine.processes;
	if (file == &files[TASK])
		st->st_nlink += 1;
	if (node->process != NULL) {
		vm_process_summary(node->process, &info);
		stat_process(&info, st);
	}
	if (S_ISLNK(file->mode))
		stat_link(node, st);
	if (file->numbers != NULL && file->numbers->ino != NULL)
		st->st_ino = file->numbers->ino((int)node->index);
	if (file->class != NULL && file->class->stat != NULL)
		file->class->stat(mount, node->process != NULL ? &info : NULL, st);
	else if (file->class != NULL)
		tree_set_size(st, SIZE_UNKNOWN);
	st->st_atim = st->st_ctim = st->st_mtim;
}

double tree_attr_timeout(const struct tree_node *node)
{
	bool changes = node->pid != 0 || S_ISREG(node->file->mode);

	return changes ? changing_attr_timeout : root_attr_timeout;
}

/* Whether the name of a node can later mean another one, or none. */
static bool name_changes(const struct tree_node *node)
{
	const struct tree_numbers *numbers = node->file->numbers;

	return numbers != NULL && (!numbers->pids || numbers->next == NULL);
}

void tree_entry(struct fs_mount *mount, const struct tree_node *node,
                struct fuse_entry_param *entry)
{
	*entry = (struct fuse_entry_param){
	    .entry_timeout = name_changes(node) || is_slow(node->file) ? 0 : name_timeout,
	    .attr_timeout = tree_attr_timeout(node),
	};
	tree_stat(mount, node, &entry->attr);
	entry->ino = tree_ino(node);
	if (is_slow(node->file)) {
		fuse_ino_t number = __atomic_add_fetch(&mount->next_inode, 1, __ATOMIC_RELAXED);
		entry->ino |= number % (1 << INDEX_BITS) << ROW_BITS;
	}
}
