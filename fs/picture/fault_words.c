/*
 * fault_words.c - faults and evictions as sentences. See fault_words.h.
 */
#include "fs/picture/fault_words.h"
#include "fs/picture/markup.h"
#include "fs/text/rights.h"
#include "util/nanoseconds.h"

#include <inttypes.h>
#include <string.h>

static const char *const sentences[VM_FAULT_KINDS] = {
    [VM_FAULT_ZERO_PAGE] = "untouched memory: the zero page was mapped",
    [VM_FAULT_DEMAND_ZERO] = "untouched memory: a cleared frame was mapped",
    [VM_FAULT_FILE_READ] = "the page was not in memory: it was read from the file",
    [VM_FAULT_PAGE_CACHE] = "the page was in the page cache: it was mapped",
    [VM_FAULT_COW_COPY] = "others use the page too: it was copied",
    [VM_FAULT_COW_REUSE] = "nobody else uses the page any more: it needs no copy",
    [VM_FAULT_WRITE_NOTIFY] = "the first write to a clean shared page: now it is dirty",
    [VM_FAULT_SWAP_IN] = "the page was swapped out: it was read back",
    [VM_FAULT_SWAP_CACHE] = "the page has a swap slot, but was still in a frame",
    [VM_FAULT_STACK_GROW] = "just below the stack: the stack grew",
    [VM_FAULT_TABLE_UNSHARE] = "its tables were shared since a fork: they were copied",
    [VM_FAULT_SEGV_MAPERR] = "no area is there: SIGSEGV",
    [VM_FAULT_SEGV_ACCERR] = "the area does not permit that: SIGSEGV",
    [VM_FAULT_SIGBUS] = "the page cannot be had from its file: SIGBUS",
    [VM_FAULT_OOM] = "memory and swap are used up",
    [VM_FAULT_SWAP_OUT] = "written to swap, its frame is free",
    [VM_FAULT_WRITE_BACK] = "dirty: written to its file, its frame is free",
    [VM_FAULT_DROP] = "clean: dropped, it can be read again",
    [VM_FAULT_LAZY_FREE] = "given up with MADV_FREE: dropped",
    [VM_FAULT_LOST] = "stores to a deleted file that could not be written: lost",
};

static const char *const verbs[] = {[VM_ACCESS_READ] = "read",
                                    [VM_ACCESS_WRITE] = "wrote",
                                    [VM_ACCESS_EXEC] = "ran",
                                    [VM_ACCESS_NONE] = "gave up"};

/* The address, which leads to the entry of its page. */
static void add_address(GString *out, const struct fault_reader *reader,
                        const struct vm_fault *fault)
{
	g_string_append(out, "<a class='va' href='");
	if (reader->machine)
		g_string_append_printf(out, "%d/", (int)fault->pid);
	g_string_append_printf(out, "pagetable#:~:text=%016" PRIx64 "%%20PTE'>%" PRIx64 "</a>: ",
	                       fault->va & -(uint64_t)VM_PAGE_SIZE, fault->va);
}

static void add_sentence(GString *out, const struct vm_fault *fault)
{
	g_string_append(out, sentences[fault->kind] != NULL ? sentences[fault->kind]
	                                                    : vm_fault_kind_name(fault->kind));
	if (fault->then != VM_FAULT_NONE && sentences[fault->then] != NULL)
		g_string_append_printf(out, "; %s", sentences[fault->then]);
	g_string_append_c(out, '.');
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? slash + 1 : path;
}

/* Where the page is or was: frame, slot, place in the file. */
static void add_places(GString *out, const struct vm_fault *fault, bool known)
{
	const char *separator = " <i>";

	if (fault->frame != VM_NO_FRAME && fault->kind != VM_FAULT_ZERO_PAGE) {
		g_string_append_printf(out, "%sframe 0x%" PRIx64, separator, fault->frame);
		separator = ", ";
	}
	if (fault->from != VM_NO_FRAME) {
		g_string_append_printf(out, "%sa copy of 0x%" PRIx64, separator, fault->from);
		separator = ", ";
	}
	if (fault->slot != VM_NO_FRAME) {
		g_string_append_printf(out, "%sslot %" PRIu64, separator, fault->slot);
		separator = ", ";
	}
	if (known && fault->file != NULL) {
		g_string_append(out, separator);
		markup_short(out, base_name(fault->file), 28);
		g_string_append_printf(out, " +0x%" PRIx64, fault->offset);
		separator = ", ";
	}
	if (*separator == ',')
		g_string_append(out, "</i>");
}

/* For whom the page went, or whose page went for this one. */
static void add_party(GString *out, const struct fault_reader *reader, const struct vm_fault *fault)
{
	const struct vm_party *party = &fault->other;
	bool evict = fault->outcome == VM_EVICT;

	if (!party->there)
		return;
	if (party->pid == 0) {
		g_string_append(out, evict ? " For a new address space." : " For it went a page.");
		return;
	}
	g_string_append_printf(out, evict ? " For process %d" : " For it went a page of process %d",
	                       (int)party->pid);
	if (rights_trace(reader->mount, reader->caller, &party->owner))
		g_string_append_printf(out, ", %" PRIx64, party->va);
	g_string_append_c(out, '.');
}

/* The number of the record, which leads to its line. */
static void add_number(GString *out, const struct fault_reader *reader,
                       const struct vm_fault *fault)
{
	g_string_append(out, "<a class='seq' href='");
	if (reader->machine)
		g_string_append_printf(out, "%d/", (int)fault->pid);
	g_string_append_printf(out,
	                       "faults#:~:text=%" PRIu64 "%%20%" PRIu64 ".%06" PRIu64
	                       "' title='%" PRIu64 ".%06" PRIu64 " s'>%" PRIu64 "</a> ",
	                       fault->seq, fault->time / NS_PER_SEC,
	                       fault->time % NS_PER_SEC / NS_PER_US, fault->time / NS_PER_SEC,
	                       fault->time % NS_PER_SEC / NS_PER_US, fault->seq);
}

void fault_item(GString *out, const struct fault_reader *reader, const struct vm_fault *fault)
{
	bool known = rights_trace(reader->mount, reader->caller, &fault->owner);

	g_string_append_printf(
	    out, "<li class='fault %s' data-k='s%" PRIu64 "' data-seq='%" PRIu64 "' data-kind='%s'",
	    vm_outcome_name(fault->outcome), fault->seq, fault->seq,
	    vm_fault_kind_name(fault->kind));
	if (known)
		g_string_append_printf(out, " data-va='%" PRIx64 "'",
		                       fault->va & -(uint64_t)VM_PAGE_SIZE);
	if (fault->frame != VM_NO_FRAME)
		g_string_append_printf(out, " data-frame='%" PRIx64 "'", fault->frame);
	g_string_append_c(out, '>');
	add_number(out, reader, fault);
	g_string_append_printf(out, "<span class='tag'>%s</span> ",
	                       vm_outcome_name(fault->outcome));
	if (reader->machine)
		g_string_append_printf(out, "<a href='%d/index.html'>%d</a> ", (int)fault->pid,
		                       (int)fault->pid);
	g_string_append_printf(out, "%s ", verbs[fault->access]);
	if (known)
		add_address(out, reader, fault);
	else
		g_string_append(out, "a page: ");
	add_sentence(out, fault);
	add_places(out, fault, known);
	add_party(out, reader, fault);
	g_string_append(out, "</li>\n");
}
