/*
 * proc_status.c - the state of a process: status, stat, statm, comm.
 *
 * Keys, order and padding are those of Linux 6.x, because tools parse them. What the model does not
 * have (threads, seccomp; signals and times without a program that runs) looks as in a process that
 * never used it. A zombie has no memory, and no lines about it. Our own lines come last in status
 * and start with Sim.
 */
#include "fs/text/render.h"
#include "fs/text/rights.h"
#include "fs/text/task_state.h"
#include "fs/text/units.h"
#include "util/text.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>

enum {
	MIN_FD_SLOTS = 64,         /* size of a new descriptor table */
	STAT_SIGNALS = 0x7fffffff, /* of the signals, stat has the first 31 */
};

#define ALL_CAPABILITIES UINT64_C(0x000001ffffffffff)

int living_process_info(struct vm_process *process, struct vm_process_info *info)
{
	if (!vm_process_alive(process))
		return -ESRCH;
	vm_process_info(process, info);
	return 0;
}

int listed_process_info(struct vm_process *process, struct vm_process_info *info)
{
	if (!vm_process_listed(process))
		return -ESRCH;
	vm_process_info(process, info);
	return 0;
}

uint64_t resident_pages(const struct vm_process_info *info)
{
	return info->rss_anon + info->rss_file + info->rss_shmem;
}

/* --- status ----------------------------------------------------------------------------------- */

/*
 * The kernel escapes a name in this way in status only: \n and \\. Other control characters it
 * shows as they are.
 */
static void add_status_name(GString *out, const char *comm)
{
	g_auto(GStrv) words = g_strsplit(comm, "\\", -1);

	g_string_append(out, "Name:\t");
	for (char **word = words; *word; word++) {
		g_auto(GStrv) lines = g_strsplit(*word, "\n", -1);

		if (word != words)
			g_string_append(out, "\\\\");
		for (char **line = lines; *line; line++) {
			if (line != lines)
				g_string_append(out, "\\n");
			text_escaped(out, *line, "");
		}
	}
	g_string_append_c(out, '\n');
}

static unsigned fd_slots(unsigned fds)
{
	unsigned slots = MIN_FD_SLOTS;

	while (slots < fds)
		slots *= 2;
	return slots;
}

static const char *state_name(char letter)
{
	switch (letter) {
	case 'R':
		return "R (running)";
	case 'T':
		return "T (stopped)";
	case 'Z':
		return "Z (zombie)";
	default:
		return "S (sleeping)";
	}
}

static void add_status_identity(GString *out, const struct vm_process_info *info,
                                const struct task_state *state)
{
	unsigned uid = info->cred.uid, gid = info->cred.gid;

	add_status_name(out, info->comm);
	g_string_append_printf(out,
	                       "Umask:\t%04o\nState:\t%s\n"
	                       "Tgid:\t%d\nNgid:\t0\nPid:\t%d\nPPid:\t%d\nTracerPid:\t0\n"
	                       "Uid:\t%u\t%u\t%u\t%u\nGid:\t%u\t%u\t%u\t%u\n"
	                       "FDSize:\t%u\nGroups:\t \n",
	                       state->umask, state_name(state->letter), info->pid, info->pid,
	                       info->ppid, uid, uid, uid, uid, gid, gid, gid, gid,
	                       info->zombie ? 0 : fd_slots(info->fds));
	g_string_append_printf(out,
	                       "NStgid:\t%d\nNSpid:\t%d\nNSpgid:\t%d\nNSsid:\t%d\nKthread:\t0\n",
	                       info->pid, info->pid, state->group, state->session);
}

static void add_status_memory(GString *out, const struct vm_process_info *info)
{
	const struct {
		const char *key;
		uint64_t pages;
	} rows[] = {
	    {"VmPeak", MAX(info->vm_peak, info->vm_total)},
	    {"VmSize", info->vm_total},
	    {"VmLck", info->vm_locked},
	    {"VmPin", info->vm_pinned},
	    {"VmHWM", MAX(info->rss_peak, resident_pages(info))},
	    {"VmRSS", resident_pages(info)},
	    {"RssAnon", info->rss_anon},
	    {"RssFile", info->rss_file},
	    {"RssShmem", info->rss_shmem},
	    {"VmData", info->vm_data},
	    {"VmStk", info->vm_stack},
	    {"VmExe", info->vm_exec},
	    {"VmLib", info->vm_lib},
	    {"VmPTE", info->tables},
	    {"VmSwap", info->swap},
	    {"HugetlbPages", 0},
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
		g_string_append_printf(out, "%s:\t%8" PRIu64 " kB\n", rows[i].key,
		                       rows[i].pages * KIB_PER_PAGE);
}

static void add_status_rest(GString *out, const struct vm_process_info *info,
                            const struct task_state *state)
{
	uint64_t capabilities = info->cred.uid == 0 ? ALL_CAPABILITIES : 0;

	if (!info->zombie)
		g_string_append(out, "CoreDumping:\t0\nTHP_enabled:\t0\n"
		                     "untag_mask:\t0xffffffffffffffff\n");
	/* Signals wait for a process, not for one of its threads. */
	g_string_append_printf(out,
	                       "Threads:\t%u\nSigQ:\t%d/0\n"
	                       "SigPnd:\t0000000000000000\nShdPnd:\t%016" PRIx64
	                       "\nSigBlk:\t%016" PRIx64 "\nSigIgn:\t%016" PRIx64
	                       "\nSigCgt:\t%016" PRIx64 "\n",
	                       info->threads, __builtin_popcountll(state->pending), state->pending,
	                       state->blocked, state->ignored, state->caught);
	g_string_append_printf(out,
	                       "CapInh:\t0000000000000000\nCapPrm:\t%016" PRIx64
	                       "\nCapEff:\t%016" PRIx64 "\nCapBnd:\t%016" PRIx64
	                       "\nCapAmb:\t0000000000000000\n",
	                       capabilities, capabilities, ALL_CAPABILITIES);
	g_string_append(
	    out,
	    "NoNewPrivs:\t0\nSeccomp:\t0\nSeccomp_filters:\t0\n"
	    "Speculation_Store_Bypass:\tnot vulnerable\nSpeculationIndirectBranch:\tnot affected\n"
	    "Cpus_allowed:\t1\nCpus_allowed_list:\t0\nMems_allowed:\t00000000,00000001\n"
	    "Mems_allowed_list:\t0\nvoluntary_ctxt_switches:\t0\nnonvoluntary_ctxt_switches:\t0\n");
}

/* The name of an si_code, or NULL if no fault here has that code. */
static const char *signal_code_name(int signal, int code)
{
	static const struct {
		int signal, code;
		const char *name;
	} names[] = {
	    {SIGSEGV, SEGV_MAPERR, "SEGV_MAPERR"},
	    {SIGSEGV, SEGV_ACCERR, "SEGV_ACCERR"},
	    {SIGSEGV, SI_KERNEL, "SI_KERNEL"}, /* a general protection fault */
	    {SIGBUS, BUS_ADRERR, "BUS_ADRERR"},
	};

	for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
		if (names[i].signal == signal && names[i].code == code)
			return names[i].name;
	return NULL;
}

/* An address, or - for who may not know it. */
static void add_address(GString *out, uint64_t address, bool hidden)
{
	if (hidden)
		g_string_append_c(out, '-');
	else
		g_string_append_printf(out, "0x%" PRIx64, address);
}

/* The signal of the last fatal fault, or 0 before the first one. */
static void add_status_signal(GString *out, const struct vm_process_info *info, bool hidden)
{
	const char *name = signal_code_name(info->last_signal, info->last_code);

	g_string_append_printf(out, "SimSignal:\t%d", info->last_signal);
	if (name)
		g_string_append_printf(out, " %s", name);
	if (info->last_signal) {
		g_string_append_c(out, ' ');
		add_address(out, info->last_address, hidden);
	}
	g_string_append_c(out, '\n');
}

void status_text(GString *out, const struct vm_process_info *info, const struct task_state *state)
{
	add_status_identity(out, info, state);
	if (!info->zombie)
		add_status_memory(out, info);
	add_status_rest(out, info, state);
}

static void add_status_sim(GString *out, const struct vm_process_info *info, bool hidden)
{
	g_string_append(out, "SimPc:\t");
	add_address(out, info->layout.pc, hidden);
	g_string_append(out, "\nSimSp:\t");
	add_address(out, info->layout.sp, hidden);
	g_string_append(out, "\nSimBrk:\t");
	add_address(out, info->layout.brk, hidden);
	g_string_append(out, "\nSimCr3:\t");
	add_address(out, info->cr3, hidden);
	g_string_append_printf(out,
	                       "\nSimAreas:\t%" PRIu64 "\nSimFaultsMinor:\t%" PRIu64
	                       "\nSimFaultsMajor:\t%" PRIu64 "\nSimEvicted:\t%" PRIu64 "\n",
	                       info->areas, info->minor_faults, info->major_faults, info->evicted);
}

static void add_status_tlb(GString *out, struct vm_process *process)
{
	struct vm_tlb_info tlb;

	vm_process_tlb(process, &tlb, NULL, NULL);
	g_string_append_printf(out,
	                       "SimTlbHits:\t%" PRIu64 "\nSimTlbMisses:\t%" PRIu64
	                       "\nSimTlbFlushes:\t%" PRIu64 "\n",
	                       tlb.hits, tlb.misses, tlb.flushes);
}

int view_status(GString *out, struct fs_mount *mount, struct vm_process *process,
                const struct fs_caller *caller)
{
	struct vm_process_info info;
	int error = listed_process_info(process, &info);

	if (error)
		return error;
	bool hidden = !rights_trace(mount, caller, &info.cred);
	struct task_state state = task_state_of(mount, &info);
	status_text(out, &info, &state);
	if (info.zombie)
		return 0;
	add_status_sim(out, &info, hidden);
	add_status_tlb(out, process);
	add_status_signal(out, &info, hidden);
	return 0;
}

/* --- stat, statm, comm ------------------------------------------------------------------------ */

/* Fields 3 to 22 of stat: state to starttime. The names are those of proc(5). */
static void add_stat_life(GString *out, const struct vm_process_info *info,
                          const struct task_state *state)
{
	/* state, ppid, pgrp, session, tty_nr, tpgid, flags */
	g_string_append_printf(out, " %c %d %d %d 0 -1 0", state->letter, info->ppid, state->group,
	                       state->session);
	/* minflt, cminflt, majflt, cmajflt */
	g_string_append_printf(out, " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64,
	                       info->minor_faults, info->child_minor_faults, info->major_faults,
	                       info->child_major_faults);
	/* utime, stime, cutime, cstime, priority, nice, num_threads, itrealvalue, starttime */
	g_string_append_printf(
	    out, " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " 20 0 %u 0 %" PRIu64,
	    ticks(state->user), ticks(state->system), ticks(state->children_user),
	    ticks(state->children_system), info->threads, ticks(info->start));
}

/* Fields 23 to 52 of stat: vsize to exit_code. */
static void add_stat_memory(GString *out, const struct vm_process_info *info,
                            const struct task_state *state)
{
	/* vsize, rss, rsslim */
	g_string_append_printf(out, " %" PRIu64 " %" PRIu64 " %" PRIu64,
	                       info->vm_total * VM_PAGE_SIZE, resident_pages(info), UINT64_MAX);
	/* startcode, endcode, startstack, kstkesp, kstkeip */
	g_string_append_printf(out, " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64,
	                       info->layout.start_code, info->layout.end_code,
	                       info->layout.start_stack, info->layout.sp, info->layout.pc);
	/*
	 * signal, blocked, sigignore, sigcatch, wchan, nswap, cnswap, exit_signal, processor,
	 * rt_priority, policy, delayacct_blkio_ticks, guest_time, cguest_time
	 */
	g_string_append_printf(
	    out, " %u %u %u %u 0 0 0 %d 0 0 0 0 0 0", (unsigned)(state->pending & STAT_SIGNALS),
	    (unsigned)(state->blocked & STAT_SIGNALS), (unsigned)(state->ignored & STAT_SIGNALS),
	    (unsigned)(state->caught & STAT_SIGNALS), SIGCHLD);
	/* start_data, end_data, start_brk, arg_start, arg_end, env_start, env_end, exit_code */
	g_string_append_printf(out,
	                       " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64
	                       " %" PRIu64 " %" PRIu64 " %d\n",
	                       info->layout.start_data, info->layout.end_data,
	                       info->layout.start_brk, info->layout.arg_start, info->layout.arg_end,
	                       info->layout.env_start, info->layout.env_end, state->status);
}

void stat_text(GString *out, const struct vm_process_info *info, const struct task_state *state)
{
	g_string_append_printf(out, "%d (", info->pid);
	text_escaped(out, info->comm, "");
	g_string_append_c(out, ')');
	add_stat_life(out, info, state);
	add_stat_memory(out, info, state);
}

/* As in Linux, who may not know the addresses gets 1 for the ends of the code, 0 for the rest. */
int view_stat(GString *out, struct fs_mount *mount, struct vm_process *process,
              const struct fs_caller *caller)
{
	struct vm_process_info info;
	int error = listed_process_info(process, &info);

	if (error)
		return error;
	struct task_state state = task_state_of(mount, &info);
	if (!rights_trace(mount, caller, &info.cred)) {
		info.layout =
		    (struct vm_layout){.start_code = !info.zombie, .end_code = !info.zombie};
		state.status = 0;
	}
	stat_text(out, &info, &state);
	return 0;
}

/*
 * The fields are size resident shared text lib data dirty, in pages. lib and dirty have been 0
 * since Linux 2.6.
 */
int render_statm(GString *out, struct fs_mount *mount, struct vm_process *process)
{
	struct vm_process_info info;
	int error = listed_process_info(process, &info);

	if (error)
		return error;
	g_string_append_printf(out,
	                       "%" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " 0 %" PRIu64 " 0\n",
	                       info.vm_total, resident_pages(&info), info.rss_file + info.rss_shmem,
	                       info.vm_exec, info.vm_data + info.vm_stack);
	return 0;
}

int render_comm(GString *out, struct fs_mount *mount, struct vm_process *process)
{
	struct vm_process_info info;
	int error = listed_process_info(process, &info);

	if (error)
		return error;
	text_escaped(out, info.comm, "");
	g_string_append_c(out, '\n');
	return 0;
}
