/*
 * lru.c - least recently used, exactly: each access makes a page the newest. No kernel can afford
 * that; a simulation can.
 */
#include "vm/policy/policy.h"

const struct vm_policy policy_lru = {
    .name = "lru", .use = policy_renew_locked, .choose = policy_oldest_locked};
