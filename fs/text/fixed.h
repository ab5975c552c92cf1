/*
 * fixed.h - texts that are the same at all times, because the machine has nothing of what the file
 * is about, or just one of it. The formats are those of Linux.
 */
#ifndef FS_TEXT_FIXED_H
#define FS_TEXT_FIXED_H

/* Files of the root. */
extern const char fixed_cgroups[], fixed_devices[], fixed_empty[], fixed_interrupts[],
    fixed_partitions[], fixed_pressure[], fixed_softirqs[];
extern const char fixed_net_dev[], fixed_net_route[], fixed_net_tcp[], fixed_net_tcp6[],
    fixed_net_udp[], fixed_net_udp6[], fixed_net_unix[];
/* Values below sys. */
extern const char fixed_cap_last_cap[], fixed_hostname[], fixed_ostype[], fixed_threads_max[],
    fixed_zero[];
/* Files of processes. */
extern const char fixed_cgroup[], fixed_id_map[], fixed_label[], fixed_no_login[],
    fixed_setgroups[], fixed_timerslack[];

#endif
