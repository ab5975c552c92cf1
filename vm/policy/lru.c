/*
 * lru.c - exact least recently used: each access, also one that hits in the TLB, moves the page to
 * the newest end of the list. No kernel can afford that; a simulation can.
 */
#include "vm/memory/frame.h"
#include "vm/policy/policy.h"
#include "vm/reclaim/evictable.h"

const struct vm_policy policy_lru = {.name = "lru",
                                     .about =
                                         "the page that was not used for the longest time; exact",
                                     .used = frame_renew_locked,
                                     .choose = evictable_oldest_locked};
