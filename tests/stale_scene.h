/*
 * stale_scene.h - scenes of the simulated TLB: each brings a translation into it, takes it away by one of the ways that there
 * are, and looks whether the next access sees the truth. All of them run with each geometry, and without a TLB.
 */
#ifndef TESTS_STALE_SCENE_H
#define TESTS_STALE_SCENE_H

#include "tests/tlb_fixture.h"

struct stale_scene {
	const char *name;
	void (*play)(struct pressure *p);
};

/* Each of COUNT scenes on a machine of its own. */
void play_scenes(const struct stale_scene *scenes, size_t count, const struct geometry *geometry);

/* An access is served by the TLB, if there is one. */
void assert_served(struct vm_process *process, uint64_t va, enum vm_access access);

/* BYTE is at VA, and a translation for stores is in the TLB. */
void prime(struct vm_process *process, uint64_t va, uint8_t byte);
/* ... for loads. */
void prime_load(struct vm_process *process, uint64_t va, int byte);
/* A page at ARENA with BYTE in it, primed for stores. */
uint64_t primed_page(struct pressure *p, int prot, uint8_t byte);

/* Nothing is mapped at VA. */
void assert_gone(struct vm_process *process, uint64_t va);

#endif
