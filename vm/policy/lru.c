/*
 * lru.c - least recently used, exactly: each access makes a page the newest. No kernel can afford
 * that; a simulation can.
 */
#include "vm/memory/frame.h"
#include "vm/policy/policy.h"
#include "vm/reclaim/evictable.h"

const struct vm_policy policy_lru = {
    .name = "lru", .used = frame_renew_locked, .choose = evictable_oldest_locked};
