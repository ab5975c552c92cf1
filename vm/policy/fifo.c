/*
 * fifo.c - first in, first out: the page that was loaded longest ago goes, used or not. It shows
 * Belady's anomaly.
 */
#include "vm/policy/policy.h"

const struct vm_policy policy_fifo = {.name = "fifo", .choose = policy_oldest_locked};
