/*
 * fifo.c - first in, first out: the page that was loaded longest ago goes, used or not. It shows
 * Belady's anomaly.
 */
#include "vm/policy/policy.h"
#include "vm/reclaim/evictable.h"

const struct vm_policy policy_fifo = {.name = "fifo", .choose = evictable_oldest_locked};
