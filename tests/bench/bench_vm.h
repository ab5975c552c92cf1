/*
 * bench_vm.h - helpers of the benchmarks that use the engine. Every failure ends the program.
 */
#ifndef TESTS_BENCH_BENCH_VM_H
#define TESTS_BENCH_BENCH_VM_H

#include "vm/vm.h"

#define MIB (UINT64_C(1) << 20)

/* A machine with RAM bytes, room for a million areas, and no write-back thread. */
struct vm_machine *bench_machine(uint64_t ram);

struct vm_process *bench_spawn(struct vm_machine *machine);
struct vm_process *bench_fork_process(struct vm_process *process);

/* End PROCESS and drop the reference. */
void bench_end(struct vm_process *process);

/* Map LEN bytes of private anonymous memory at ADDR. ADDR 0: anywhere. */
uint64_t bench_map(struct vm_process *process, uint64_t addr, uint64_t len, int prot);

/* Store eight bytes in each page. Returns the seconds for one page. */
double bench_touch(struct vm_process *process, uint64_t va, uint64_t len);

#endif
