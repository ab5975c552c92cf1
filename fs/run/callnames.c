/*
 * callnames.c - tables of names. To add a name, add a row.
 */
#include "fs/run/callnames.h"

#include "util/linux_constants.h"

#include <asm/prctl.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

/* clang-format off */
#define NAME(constant) {(uint64_t)(constant), #constant}

static const struct call_name open_names[] = {
    NAME(O_WRONLY), NAME(O_RDWR), NAME(O_CREAT), NAME(O_EXCL), NAME(O_NOCTTY), NAME(O_TRUNC),
    NAME(O_APPEND), NAME(O_NONBLOCK), NAME(O_SYNC), NAME(O_DSYNC), NAME(O_ASYNC), NAME(O_DIRECT),
    {0100000, "O_LARGEFILE"}, NAME(O_TMPFILE), NAME(O_DIRECTORY), NAME(O_NOFOLLOW),
    NAME(O_NOATIME), NAME(O_CLOEXEC), NAME(O_PATH), {0, NULL}};

static const struct call_name prot_names[] = {
    NAME(PROT_READ), NAME(PROT_WRITE), NAME(PROT_EXEC), NAME(PROT_GROWSDOWN), NAME(PROT_GROWSUP),
    {0, NULL}};

static const struct call_name map_names[] = {
    NAME(MAP_SHARED_VALIDATE), NAME(MAP_SHARED), NAME(MAP_PRIVATE), NAME(MAP_FIXED),
    NAME(MAP_ANONYMOUS), NAME(MAP_32BIT), NAME(MAP_NORESERVE), NAME(MAP_POPULATE),
    NAME(MAP_NONBLOCK), NAME(MAP_GROWSDOWN), NAME(MAP_DENYWRITE), NAME(MAP_EXECUTABLE),
    NAME(MAP_LOCKED), NAME(MAP_STACK), NAME(MAP_HUGETLB), NAME(MAP_SYNC),
    NAME(MAP_FIXED_NOREPLACE), {0, NULL}};

static const struct call_name whence_names[] = {
    NAME(SEEK_SET), NAME(SEEK_CUR), NAME(SEEK_END), NAME(SEEK_DATA), NAME(SEEK_HOLE), {0, NULL}};

static const struct call_name advice_names[] = {
    NAME(MADV_NORMAL), NAME(MADV_RANDOM), NAME(MADV_SEQUENTIAL), NAME(MADV_WILLNEED),
    NAME(MADV_DONTNEED), NAME(MADV_FREE), NAME(MADV_REMOVE), NAME(MADV_DONTFORK),
    NAME(MADV_DOFORK), NAME(MADV_MERGEABLE), NAME(MADV_UNMERGEABLE), NAME(MADV_HUGEPAGE),
    NAME(MADV_NOHUGEPAGE), NAME(MADV_DONTDUMP), NAME(MADV_DODUMP), NAME(MADV_WIPEONFORK),
    NAME(MADV_KEEPONFORK), NAME(MADV_COLD), NAME(MADV_PAGEOUT), NAME(MADV_POPULATE_READ),
    NAME(MADV_POPULATE_WRITE), NAME(MADV_DONTNEED_LOCKED), NAME(MADV_GUARD_INSTALL),
    NAME(MADV_GUARD_REMOVE), {0, NULL}};

static const struct call_name at_names[] = {
    NAME(AT_SYMLINK_NOFOLLOW), {0x200, "AT_REMOVEDIR"}, NAME(AT_SYMLINK_FOLLOW),
    NAME(AT_NO_AUTOMOUNT), NAME(AT_EMPTY_PATH), {0x2000, "AT_STATX_FORCE_SYNC"},
    {0x4000, "AT_STATX_DONT_SYNC"}, {0x8000, "AT_RECURSIVE"}, {0, NULL}};

static const struct call_name clone_names[] = {
    NAME(CLONE_VM), NAME(CLONE_FS), NAME(CLONE_FILES), NAME(CLONE_SIGHAND), NAME(CLONE_PTRACE),
    NAME(CLONE_VFORK), NAME(CLONE_PARENT), NAME(CLONE_THREAD), NAME(CLONE_NEWNS),
    NAME(CLONE_SYSVSEM), NAME(CLONE_SETTLS), NAME(CLONE_PARENT_SETTID),
    NAME(CLONE_CHILD_CLEARTID), NAME(CLONE_UNTRACED), NAME(CLONE_CHILD_SETTID),
    NAME(CLONE_NEWCGROUP), NAME(CLONE_NEWUTS), NAME(CLONE_NEWIPC), NAME(CLONE_NEWUSER),
    NAME(CLONE_NEWPID), NAME(CLONE_NEWNET), NAME(CLONE_IO), {0, NULL}};

static const struct call_name fcntl_names[] = {
    NAME(F_DUPFD), NAME(F_GETFD), NAME(F_SETFD), NAME(F_GETFL), NAME(F_SETFL), NAME(F_GETLK),
    NAME(F_SETLK), NAME(F_SETLKW), NAME(F_SETOWN), NAME(F_GETOWN), NAME(F_DUPFD_CLOEXEC),
    NAME(F_SETPIPE_SZ), NAME(F_GETPIPE_SZ), NAME(F_ADD_SEALS), NAME(F_GET_SEALS), {0, NULL}};

static const struct call_name ioctl_names[] = {
    NAME(TCGETS), NAME(TCSETS), NAME(TCSETSW), NAME(TCSETSF), NAME(TIOCGWINSZ), NAME(TIOCSWINSZ),
    NAME(TIOCGPGRP), NAME(TIOCSPGRP), NAME(TIOCGSID), NAME(TIOCSCTTY), NAME(TIOCNOTTY),
    NAME(FIONREAD), NAME(FIONBIO), NAME(FIOCLEX), NAME(FIONCLEX), {0x40049409, "FICLONE"},
    {0, NULL}};

static const struct call_name clock_names[] = {
    NAME(CLOCK_REALTIME), NAME(CLOCK_MONOTONIC), NAME(CLOCK_PROCESS_CPUTIME_ID),
    NAME(CLOCK_THREAD_CPUTIME_ID), NAME(CLOCK_MONOTONIC_RAW), NAME(CLOCK_REALTIME_COARSE),
    NAME(CLOCK_MONOTONIC_COARSE), NAME(CLOCK_BOOTTIME), NAME(CLOCK_TAI), {0, NULL}};

static const struct call_name how_names[] = {
    NAME(SIG_BLOCK), NAME(SIG_UNBLOCK), NAME(SIG_SETMASK), {0, NULL}};

static const struct call_name rlimit_names[] = {
    NAME(RLIMIT_CPU), NAME(RLIMIT_FSIZE), NAME(RLIMIT_DATA), NAME(RLIMIT_STACK), NAME(RLIMIT_CORE),
    NAME(RLIMIT_RSS), NAME(RLIMIT_NPROC), NAME(RLIMIT_NOFILE), NAME(RLIMIT_MEMLOCK),
    NAME(RLIMIT_AS), NAME(RLIMIT_LOCKS), NAME(RLIMIT_SIGPENDING), NAME(RLIMIT_MSGQUEUE),
    NAME(RLIMIT_NICE), NAME(RLIMIT_RTPRIO), NAME(RLIMIT_RTTIME), {0, NULL}};

static const struct call_name futex_names[] = {
    NAME(FUTEX_WAIT), NAME(FUTEX_WAKE), NAME(FUTEX_REQUEUE), NAME(FUTEX_CMP_REQUEUE),
    NAME(FUTEX_WAKE_OP), NAME(FUTEX_WAIT_BITSET), NAME(FUTEX_WAKE_BITSET),
    NAME(FUTEX_WAIT_PRIVATE), NAME(FUTEX_WAKE_PRIVATE), NAME(FUTEX_REQUEUE_PRIVATE),
    NAME(FUTEX_CMP_REQUEUE_PRIVATE), NAME(FUTEX_WAKE_OP_PRIVATE),
    NAME(FUTEX_WAIT_BITSET_PRIVATE), NAME(FUTEX_WAKE_BITSET_PRIVATE),
    {FUTEX_WAIT_BITSET_PRIVATE | FUTEX_CLOCK_REALTIME,
     "FUTEX_WAIT_BITSET_PRIVATE|FUTEX_CLOCK_REALTIME"}, {0, NULL}};

static const struct call_name mode_names[] = {NAME(X_OK), NAME(W_OK), NAME(R_OK), {0, NULL}};

static const struct call_name arch_names[] = {
    NAME(ARCH_SET_GS), NAME(ARCH_SET_FS), NAME(ARCH_GET_FS), NAME(ARCH_GET_GS),
    {0x3001, "ARCH_CET_STATUS"}, {0x5001, "ARCH_SHSTK_ENABLE"}, {0x5005, "ARCH_SHSTK_STATUS"},
    {0, NULL}};
/* clang-format on */

static const struct call_names tables[] = {
    {'O', "O_???", "0", open_names},       {'P', "PROT_???", "PROT_NONE", prot_names},
    {'M', "MAP_???", "0", map_names},      {'W', "SEEK_???", NULL, whence_names},
    {'A', "MADV_???", NULL, advice_names}, {'F', "AT_???", "0", at_names},
    {'C', "CLONE_???", "0", clone_names},  {'c', "F_???", NULL, fcntl_names},
    {'i', NULL, NULL, ioctl_names},        {'k', "CLOCK_???", NULL, clock_names},
    {'h', "SIG_???", NULL, how_names},     {'R', "RLIMIT_???", NULL, rlimit_names},
    {'U', "FUTEX_???", NULL, futex_names}, {'m', "?_OK", "F_OK", mode_names},
    {'y', "ARCH_???", NULL, arch_names},
};

const struct call_names *call_names_find(char letter)
{
	for (size_t i = 0; i < G_N_ELEMENTS(tables); i++)
		if (tables[i].letter == letter)
			return &tables[i];
	return NULL;
}

static void add_value(GString *out, const struct call_names *names, uint64_t value)
{
	for (const struct call_name *name = names->names; name->name != NULL; name++) {
		if (name->value == value) {
			g_string_append(out, name->name);
			return;
		}
	}
	g_string_append_printf(out, "%#" G_GINT64_MODIFIER "x", value);
	if (names->prefix != NULL)
		g_string_append_printf(out, " /* %s */", names->prefix);
}

/* A row may have several bits: it is named only if all of them are there, and none is named yet. */
static void add_flags(GString *out, const struct call_names *names, uint64_t value)
{
	const char *separator = "";

	for (const struct call_name *name = names->names; name->name != NULL; name++) {
		if ((value & name->value) != name->value)
			continue;
		g_string_append_printf(out, "%s%s", separator, name->name);
		value &= ~name->value;
		separator = "|";
	}
	if (value != 0)
		g_string_append_printf(out, "%s%#" G_GINT64_MODIFIER "x", separator, value);
}

void call_names_add(GString *out, const struct call_names *names, uint64_t value)
{
	if (names->zero == NULL)
		add_value(out, names, value);
	else if (value == 0)
		g_string_append(out, names->zero);
	else
		add_flags(out, names, value);
}
