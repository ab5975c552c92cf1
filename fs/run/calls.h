/*
 * calls.h - the functions of the system calls, which table.c names. Each follows the system call of
 * Linux with its name.
 */
#ifndef FS_RUN_CALLS_H
#define FS_RUN_CALLS_H

#include "fs/run/syscall.h"

/* X(number, name, format) for each call; its function is sys_NAME. */
/* clang-format off */
#define CALLS_MEMORY(X) \
	X(9, mmap, "puPMfx:p") X(10, mprotect, "puP") X(11, munmap, "pu") \
	X(12, brk, "p:p") X(25, mremap, "puuxp:p") X(26, msync, "pux") \
	X(27, mincore, "pup") X(28, madvise, "puA") X(149, mlock, "pu") \
	X(150, munlock, "pu") X(151, mlockall, "x") X(152, munlockall, "") \
	X(325, mlock2, "pux")
#define CALLS_FILE(X) \
	X(0, read, "fru") X(1, write, "fbu") X(3, close, "f") X(5, fstat, "fp") \
	X(7, poll, "pud") X(8, lseek, "flW") X(16, ioctl, "fip") X(17, pread64, "frul") \
	X(18, pwrite64, "fbul") X(19, readv, "fpu") X(20, writev, "fpu") X(22, pipe, "p") \
	X(23, select, "uppp") X(32, dup, "f") X(33, dup2, "ff") X(40, sendfile, "ffpu") \
	X(41, socket, "ddd") X(53, socketpair, "dddp") X(72, fcntl, "fcx") \
	X(73, flock, "fx") X(74, fsync, "f") X(75, fdatasync, "f") X(77, ftruncate, "fl") \
	X(81, fchdir, "f") X(91, fchmod, "fo") X(93, fchown, "fdd") X(138, fstatfs, "fp") \
	X(162, sync, "") X(193, fgetxattr, "fspu") X(196, flistxattr, "fpu") \
	X(217, getdents64, "fpu") X(221, fadvise64, "flld") X(270, pselect6, "upppp") \
	X(271, ppoll, "puppu") X(275, splice, "fpfpux") X(285, fallocate, "fxll") \
	X(292, dup3, "ffO") X(293, pipe2, "pO") X(295, preadv, "fpul") \
	X(296, pwritev, "fpul") X(326, copy_file_range, "fpfpux") \
	X(436, close_range, "uux")
#define CALLS_PATH(X) \
	X(2, open, "sOo") X(4, stat, "sp") X(6, lstat, "sp") X(21, access, "sm") \
	X(76, truncate, "sl") X(79, getcwd, "pu") X(80, chdir, "s") X(82, rename, "ss") \
	X(83, mkdir, "so") X(84, rmdir, "s") X(85, creat, "so") X(86, link, "ss") \
	X(87, unlink, "s") X(88, symlink, "ss") X(89, readlink, "sru") X(90, chmod, "so") \
	X(92, chown, "sdd") X(94, lchown, "sdd") X(95, umask, "o") X(132, utime, "sp") \
	X(137, statfs, "sp") X(191, getxattr, "sspu") X(192, lgetxattr, "sspu") \
	X(194, listxattr, "spu") X(195, llistxattr, "spu") X(235, utimes, "sp") \
	X(257, openat, "asOo") X(258, mkdirat, "aso") X(260, fchownat, "asddF") \
	X(261, futimesat, "asp") X(262, newfstatat, "aspF") X(263, unlinkat, "asF") \
	X(264, renameat, "asas") X(265, linkat, "asasF") X(266, symlinkat, "sas") \
	X(267, readlinkat, "asru") X(268, fchmodat, "aso") X(269, faccessat, "asm") \
	X(280, utimensat, "aspF") X(316, renameat2, "asasx") X(332, statx, "asFxp") \
	X(437, openat2, "aspu") X(439, faccessat2, "asmF") X(452, fchmodat2, "asoF")
#define CALLS_PROCESS(X) \
	X(56, clone, "Cpppp") X(57, fork, "") X(58, vfork, "") X(59, execve, "sve") \
	X(60, exit, "d") X(61, wait4, "dwxp") X(231, exit_group, "d") \
	X(247, waitid, "ddpxp") X(435, clone3, "pu") X(322, execveat, "asveF") \
	X(39, getpid, "") X(110, getppid, "") X(186, gettid, "") X(109, setpgid, "dd") \
	X(111, getpgrp, "") X(112, setsid, "") X(121, getpgid, "d") X(124, getsid, "d") \
	X(102, getuid, "") X(104, getgid, "") X(107, geteuid, "") X(108, getegid, "") \
	X(105, setuid, "d") X(106, setgid, "d") X(113, setreuid, "dd") \
	X(114, setregid, "dd") X(115, getgroups, "dp") X(117, setresuid, "ddd") \
	X(118, getresuid, "ppp") X(119, setresgid, "ddd") X(120, getresgid, "ppp") \
	X(122, setfsuid, "d") X(123, setfsgid, "d") X(135, personality, "x") \
	X(140, getpriority, "dd") X(141, setpriority, "ddd") X(157, prctl, "dxxxx") \
	X(158, arch_prctl, "yp") X(218, set_tid_address, "p") \
	X(273, set_robust_list, "pu") X(24, sched_yield, "") \
	X(203, sched_setaffinity, "dup") X(204, sched_getaffinity, "dup") \
	X(145, sched_getscheduler, "d") X(143, sched_getparam, "dp") \
	X(309, getcpu, "ppp") X(202, futex, "pUdt") X(324, membarrier, "dxd") \
	X(334, rseq, "pudx") X(97, getrlimit, "Rp") X(160, setrlimit, "Rp") \
	X(302, prlimit64, "dRpp") X(98, getrusage, "dp") X(99, sysinfo, "p") \
	X(63, uname, "p") X(318, getrandom, "pux")
#define CALLS_SIGNAL(X) \
	X(13, rt_sigaction, "Sppu") X(14, rt_sigprocmask, "hKpu") X(15, rt_sigreturn, "") \
	X(34, pause, "") X(62, kill, "dS") X(127, rt_sigpending, "pu") \
	X(128, rt_sigtimedwait, "Kptu") X(129, rt_sigqueueinfo, "dSp") \
	X(130, rt_sigsuspend, "Ku") X(131, sigaltstack, "pp") X(200, tkill, "dS") \
	X(234, tgkill, "ddS") X(36, getitimer, "dp") X(37, alarm, "u") \
	X(38, setitimer, "dpp")
#define CALLS_TIME(X) \
	X(35, nanosleep, "tp") X(96, gettimeofday, "pp") X(100, times, "p") \
	X(201, time, "p") X(227, clock_settime, "kt") X(228, clock_gettime, "kp") \
	X(229, clock_getres, "kp") X(230, clock_nanosleep, "kxtp") \
	X(219, restart_syscall, "")

#define CALLS_SOCKET(X) \
	X(42, connect, "fpu") X(43, accept, "fpp") X(44, sendto, "fbuxpu") \
	X(45, recvfrom, "fruxpp") X(46, sendmsg, "fpx") X(47, recvmsg, "fpx") \
	X(48, shutdown, "fd") X(49, bind, "fpu") X(50, listen, "fd") \
	X(51, getsockname, "fpp") X(52, getpeername, "fpp") X(54, setsockopt, "fddpu") \
	X(55, getsockopt, "fddpp") X(288, accept4, "fppx") X(299, recvmmsg, "fpuxp") \
	X(307, sendmmsg, "fpux")

/* clang-format on */

#define CALL_DECLARE(number, name, format) int64_t sys_##name(struct call *call);
CALLS_MEMORY(CALL_DECLARE)
CALLS_FILE(CALL_DECLARE)
CALLS_PATH(CALL_DECLARE)
CALLS_PROCESS(CALL_DECLARE)
CALLS_SIGNAL(CALL_DECLARE)
CALLS_TIME(CALL_DECLARE)
CALLS_SOCKET(CALL_DECLARE)
#undef CALL_DECLARE

#endif
