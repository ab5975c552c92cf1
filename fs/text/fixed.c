/*
 * fixed.c - texts that are the same at all times. fixed.h says why.
 */
#include "fs/text/fixed.h"

const char fixed_empty[] = "";

/* --- The root --------------------------------------------------------------------------------- */

/* clang-format off */
/* There is one group, which all processes are in. */
const char fixed_cgroups[] =
    "#subsys_name\thierarchy\tnum_cgroups\tenabled\n"
    "memory\t0\t1\t1\n";
/* What the descriptors of programs can be: null, zero, full, random, urandom; a console. */
const char fixed_devices[] =
    "Character devices:\n"
    "  1 mem\n"
    "  5 /dev/tty\n"
    "136 pts\n"
    "\n"
    "Block devices:\n";
/* Nothing interrupts the processor. */
const char fixed_interrupts[] =
    "           CPU0       \n"
    "LOC:          0   Local timer interrupts\n"
    "ERR:          0\n"
    "MIS:          0\n";
const char fixed_partitions[] =
    "major minor  #blocks  name\n"
    "\n";
/* Nobody is kept waiting for long enough to be counted. */
const char fixed_pressure[] =
    "some avg10=0.00 avg60=0.00 avg300=0.00 total=0\n"
    "full avg10=0.00 avg60=0.00 avg300=0.00 total=0\n";
const char fixed_softirqs[] =
    "                    CPU0       \n"
    "          HI:          0\n"
    "       TIMER:          0\n"
    "      NET_TX:          0\n"
    "      NET_RX:          0\n"
    "       BLOCK:          0\n"
    "    IRQ_POLL:          0\n"
    "     TASKLET:          0\n"
    "       SCHED:          0\n"
    "     HRTIMER:          0\n"
    "         RCU:          0\n";
/* Every Linux has a loopback device. Nothing was sent over this one. */
const char fixed_net_dev[] =
    "Inter-|   Receive                                                |  Transmit\n"
    " face |bytes    packets errs drop fifo frame compressed multicast|bytes    pac"
    "kets errs drop fifo colls carrier compressed\n"
    "    lo:       0       0    0    0    0     0          0         0        0    "
    "   0    0    0    0     0       0          0\n";

/* Only the header: there are no sockets, and no routes. */
const char fixed_net_route[] =
    "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow"
    "\tIRTT                                                       \n";
const char fixed_net_tcp[] =
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   "
    "uid  timeout inode                                                     \n";
const char fixed_net_tcp6[] =
    "  sl  local_address                         remote_address                    "
    "    st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n";
const char fixed_net_udp[] =
    "   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt  "
    " uid  timeout inode ref pointer drops            \n";
const char fixed_net_udp6[] =
    "  sl  local_address                         remote_address                    "
    "    st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer"
    " drops\n";
const char fixed_net_unix[] =
    "Num       RefCount Protocol Flags    Type St Inode Path\n";
/* clang-format on */

/* --- sys -------------------------------------------------------------------------------------- */

/* CAP_CHECKPOINT_RESTORE, as CapBnd of status has it. */
const char fixed_cap_last_cap[] = "40\n";
/* As uname(2) answers programs that run. */
const char fixed_hostname[] = "vasfs\n";
const char fixed_ostype[] = "Linux\n";
/* The bound is on processes (VM_PROCESSES), whatever this says. */
const char fixed_threads_max[] = "4194304\n";
const char fixed_zero[] = "0\n";

/* --- Processes -------------------------------------------------------------------------------- */

const char fixed_cgroup[] = "0::/\n";
/* Users are those of the host. */
const char fixed_id_map[] = "         0          0 4294967295\n";
const char fixed_label[] = "unconfined\n";
/* (uid_t)-1: nobody has logged in. No newline, as in Linux. */
const char fixed_no_login[] = "4294967295";
const char fixed_setgroups[] = "allow\n";
const char fixed_timerslack[] = "50000\n";
