/*
 * kvm_memory.c - the physical memory of the virtual machine: frames of RAM, then table pages, at
 * their physical addresses.
 */
#include "vm/base/memory.h"
#include "vm/cpu/kvm.h"

enum {
	SLOT_RAM,
	SLOT_TABLES,
	FIRST_TABLES = 4096, /* 16 MiB */
};

static int set_slot(const struct kvm *kvm, unsigned slot, uint64_t pfn, uint64_t pages)
{
	struct kvm_userspace_memory_region region = {
	    .slot = slot,
	    .guest_phys_addr = pfn << VM_PAGE_SHIFT,
	    .memory_size = pages << VM_PAGE_SHIFT,
	    .userspace_addr = (uintptr_t)machine_page(kvm->machine, pfn),
	};

	return kvm_ioctl(kvm->vm, KVM_SET_USER_MEMORY_REGION, &region);
}

static int set_tables(const struct kvm *kvm, uint64_t pages)
{
	return set_slot(kvm, SLOT_TABLES, kvm->machine->nr_frames, pages);
}

int kvm_memory_init(struct kvm *kvm)
{
	int error = set_slot(kvm, SLOT_RAM, 0, kvm->machine->nr_frames);

	kvm->slot_tables = MIN(FIRST_TABLES, kvm->machine->nr_tables);
	supervisor_map_tables_locked(kvm->machine, &kvm->supervisor, kvm->slot_tables);
	if (error == 0)
		error = set_tables(kvm, kvm->slot_tables);
	kvm->has_tables = error == 0;
	return error;
}

int kvm_memory_update(struct kvm *kvm, bool all, bool *forgot)
{
	uint64_t used = kvm->machine->table_pool.used, pages = kvm->slot_tables;

	while (pages < used)
		pages = MIN(2 * pages, kvm->machine->nr_tables);
	*forgot = all || pages != kvm->slot_tables || !kvm->has_tables;
	if (!*forgot)
		return 0;
	int error = kvm->has_tables ? set_tables(kvm, 0) : 0;
	if (error < 0)
		return error;
	kvm->has_tables = false;
	kvm->slot_tables = pages;
	supervisor_map_tables_locked(kvm->machine, &kvm->supervisor, pages);
	error = set_tables(kvm, pages);
	kvm->has_tables = error >= 0;
	return MIN(error, 0);
}
