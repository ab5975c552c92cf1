#include "vm/memory/table.h"

#include "vm/base/memory.h"
#include "vm/base/pool.h"
#include "vm/base/reason.h"

#include <string.h>

uint32_t pagetable_alloc_locked(struct vm_machine *machine, enum vm_level level, uint64_t va)
{
	bool cleared;
	uint32_t number = pool_take_locked(&machine->table_pool, &cleared);

	if (number == VM_POOL_NONE) {
		reason_set(-ENOMEM, VM_WHY_TABLES, 0, 0, machine->nr_tables);
		return 0;
	}
	if (!cleared)
		memset(machine_page(machine, machine->nr_frames + number), 0, VM_PAGE_SIZE);
	machine->table_count++;
	machine->tables[number] = (struct vm_table){
	    .level = (uint8_t)level, .va = va & -(VM_TABLE_ENTRIES * pagetable_span(level))};
	return number;
}

void pagetable_free_locked(struct vm_machine *machine, uint32_t number)
{
	machine->table_count--;
	pool_put_locked(&machine->table_pool, number);
}

uint32_t pagetable_alloc_special_locked(struct vm_machine *machine, uint32_t count)
{
	uint32_t first = pool_take_row_locked(&machine->table_pool, count);

	if (first == VM_POOL_NONE)
		return 0;
	for (uint32_t i = 0; i < count; i++)
		machine->tables[first + i].level = VM_TABLE_SPECIAL;
	return first;
}
