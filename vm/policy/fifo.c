/*
 * fifo.c - first in, first out: evict the page that was loaded longest ago, whether it is used or
 * not. With this policy, more frames can cause more faults (Belady's anomaly).
 */
#include "vm/policy/policy.h"
#include "vm/reclaim/evictable.h"

const struct vm_policy policy_fifo = {
    .name = "fifo", .about = "the page that was loaded first", .choose = evictable_oldest_locked};
