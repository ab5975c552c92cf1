/*
 * internal.h - the engine's own types, shared by the rooms of vm/ and by nobody else.
 *
 * Fields stand under the lock that guards them. "process" is the lock of the process that owns the
 * structure, "machine" the machine's mutex; "both" may be read under either and is written under
 * both. A function whose name ends in _locked expects the machine lock.
 */
#ifndef VM_INTERNAL_H
#define VM_INTERNAL_H

#include "util/list.h"
#include "vm/vm.h"

#include <pthread.h>

/* Frame and table-page numbers fit in 32 bits: 16 TiB of each. */
typedef uint32_t vm_pfn;
#define VM_PFN_NONE UINT32_MAX

/*
 * The place of a page-table entry: 512 x the table's number + the index. Table 0 is never a table
 * (it is the zero page), so 0 means "no entry".
 */
typedef uint32_t vm_entry_id;

/* --- Areas (area.c) --------------------------------------------------------------------------- */

/* Rights and properties of an area: Linux's VM_ flags, by Linux's names without the prefix. */
enum {
	AREA_READ = 1 << 0,
	AREA_WRITE = 1 << 1,
	AREA_EXEC = 1 << 2,
	AREA_SHARED = 1 << 3,
	AREA_MAYREAD = 1 << 4,
	AREA_MAYWRITE = 1 << 5,
	AREA_MAYEXEC = 1 << 6,
	AREA_MAYSHARE = 1 << 7,
	AREA_GROWSDOWN = 1 << 8,
	AREA_LOCKED = 1 << 9,
	AREA_LOCKONFAULT = 1 << 10,
	AREA_DONTCOPY = 1 << 11,
	AREA_DONTEXPAND = 1 << 12,
	AREA_ACCOUNT = 1 << 13,
	AREA_NORESERVE = 1 << 14,
	/* made by the kernel (vvar, vdso): never merged, split or written back */
	AREA_SPECIAL = 1 << 15,
	AREA_STACK = 1 << 16, /* MAP_STACK */
	/* MADV_SEQUENTIAL, MADV_RANDOM: only shown, there is no read-ahead */
	AREA_SEQ_READ = 1 << 17,
	AREA_RAND_READ = 1 << 18,
	AREA_WIPEONFORK = 1 << 19,
	AREA_DONTDUMP = 1 << 20,
	AREA_ACCESS = AREA_READ | AREA_WRITE | AREA_EXEC,
};

struct vm_area {
	/* both */
	uint64_t start, end; /* bytes, multiples of the page size */
	/* pages: in the object, or start >> 12 where a private anonymous area was made */
	uint64_t pgoff;
	/* a file or shared anonymous memory; NULL for private anonymous */
	struct vm_object *object;
	struct list_link object_link;
	/* process */
	unsigned flags;       /* AREA_ */
	struct vm_file *file; /* the reference that keeps OBJECT, or NULL */
	const char *name;     /* "[vdso]": a static string, or NULL */
	bool soft_dirty;      /* new since the last clear_refs (VM_SOFTDIRTY) */
	/* it had guard pages once, or merged with one that had (VM_MAYBE_GUARD): only shown */
	bool may_guard;
	struct vm_space *space;
	struct vm_area *left, *right, *parent, *prev, *next;
	uint64_t max_gap; /* largest gap below any area of the subtree */
	int height;
	/* machine */
	/* shares anonymous pages with a fork's other side, as a longer anon_vma chain in Linux */
	bool anon_inherited;
	/* which family of anonymous pages it has, 0 before the first: Linux's anon_vma */
	uint64_t anon_vma;
};

/* The kernel's clock page, which is none of memory: VM_IO and VM_PFNMAP in Linux. */
static inline bool area_is_device(const struct vm_area *area)
{
	return (area->flags & AREA_SPECIAL) && area->object == NULL;
}

static inline uint64_t area_pages(const struct vm_area *area)
{
	return (area->end - area->start) >> VM_PAGE_SHIFT;
}

/* The page of AREA's object, or of its anonymous numbering, at VA. */
static inline uint64_t area_index(const struct vm_area *area, uint64_t va)
{
	return area->pgoff + ((va - area->start) >> VM_PAGE_SHIFT);
}

/* How far a stack may grow where no limit was set (RLIMIT_STACK), bytes. */
#define VM_STACK_DEFAULT (UINT64_C(8) << 20)

/* --- Address spaces --------------------------------------------------------------------------- */

struct vm_space {
	struct vm_process *process; /* whose lock guards it */
	uint64_t number;            /* from 1, never used again */
	/* process */
	struct vm_area *root, *first, *last;
	uint64_t area_count;
	uint64_t mmap_base; /* top of the search for free addresses */
	uint64_t total_pages, peak_pages, data_pages, stack_pages, exec_pages, locked_pages;
	struct vm_layout layout;
	unsigned lock_future; /* AREA_LOCKED ... that new areas get (MCL_FUTURE) */
	struct vm_file *exe;  /* or NULL */
	uint64_t auxv[64];    /* as on the stack, pairs */
	unsigned auxv_len;    /* values, a multiple of 2; 0 before an exec */
	/* machine */
	uint32_t pgd;    /* number of the top-level table */
	uint64_t rss[3]; /* pages by enum vm_frame_kind */
	uint64_t rss_peak;
	uint64_t swap;   /* entries that hold a swap slot */
	uint64_t tables; /* lower-level table pages reachable, shared ones counted whole */
};

/* --- Page tables (memory/) -------------------------------------------------------------------- */

/* Who is told of an entry that lost something (pte.h). */
typedef void (*vm_entry_watch_fn)(void *ctx, vm_entry_id id);

/* A page-table page. */
struct vm_table {
	/* machine */
	struct vm_space *space; /* the owner of a top-level table, else NULL */
	uint64_t va;            /* lowest address it translates, the same for all its users */
	vm_entry_id rmap;       /* first of the entries that point to it */
	uint32_t users;         /* how many do */
	uint32_t next_free;
	/* processes that reach it, as counted when machine->sharing was COUNTED */
	uint64_t processes, counted;
	uint16_t used; /* entries in use */
	uint8_t level; /* enum vm_level */
};

/*
 * Neighbours in the chain of entries that map the same frame or table. Only touched where there are
 * two or more.
 */
struct vm_link {
	vm_entry_id prev, next;
};

/* --- Frames (frame.c) ------------------------------------------------------------------------- */

enum {
	FRAME_BUSY = 1 << 0,       /* contents on their way in: wait on machine->io */
	FRAME_DIRTY = 1 << 1,      /* page cache: newer than its file; stands in object->dirty */
	FRAME_WRITEBACK = 1 << 2,  /* being written to its file */
	FRAME_SWAPCACHE = 1 << 3,  /* anonymous: also stands in the slot whose number is INDEX */
	FRAME_REFERENCED = 1 << 4, /* the clock's accessed bit */
	FRAME_WANTED = 1 << 5,     /* mapped again while it was on its way out: it stays */
	/* anonymous, given up (MADV_FREE): it goes unless an entry's D says otherwise */
	FRAME_LAZYFREE = 1 << 6,
	FRAME_LISTED = 1 << 7, /* holds a page that replacement knows (frame.h) */
};

struct vm_frame {
	/* machine */
	struct vm_object *object; /* whose page it caches; NULL for private anonymous memory */
	uint64_t index;           /* page in the object; swap slot of a FRAME_SWAPCACHE */
	struct list_link link;    /* in object->clean or object->dirty */
	vm_entry_id rmap;         /* first of the entries that map it */
	uint32_t mapped;          /* entries that do; a shared table counts once (see rmap.c) */
	uint32_t pins;            /* transfers that use it this instant */
	vm_pfn next;              /* in the free list or the page cache's hash chain */
	vm_pfn older, newer;      /* neighbours in the policy's list */
	uint16_t flags;           /* FRAME_ */
};

/* --- Page replacement (policy/) --------------------------------------------------------------- */

/*
 * What a page is known by, the same while it stands in a frame and while it is away: a page of an
 * object by the object's number and its index; private anonymous memory by its swap slot, as long
 * as it has one, else by the place where it is mapped.
 */
struct vm_page_key {
	enum { VM_KEY_OBJECT, VM_KEY_SLOT, VM_KEY_PLACE } kind;
	uint64_t owner; /* number of the object or the address space; 0 for a slot */
	uint64_t index; /* page of the object, slot, or VA >> 12 */
};

/* A way to choose the page that has to go: see policy/policy.h. All run under the machine lock. */
struct vm_policy {
	const char *name;
	/* Make machine->policy_state, if the policy has any. 0 or -ENOMEM. May be NULL. */
	int (*init)(struct vm_machine *machine);
	/* Free it. May be NULL. */
	void (*free)(struct vm_machine *machine);
	/* The page KEY has come into frame PFN. May be NULL. */
	void (*loaded)(struct vm_machine *machine, vm_pfn pfn, const struct vm_page_key *key);
	/* The process has loaded from the page in PFN or stored to it. May be NULL. */
	void (*used)(struct vm_machine *machine, vm_pfn pfn);
	/*
	 * The page in PFN has left its frame. AWAY: it was evicted and may come back, by that key.
	 * AWAY is NULL if the page exists no more. May be NULL.
	 */
	void (*gone)(struct vm_machine *machine, vm_pfn pfn, const struct vm_page_key *away);
	/* The page KEY, which was away, exists no more; the key may be given again. May be NULL. */
	void (*lost)(struct vm_machine *machine, const struct vm_page_key *key);
	/* The frame to evict, among those that evictable_locked allows, or VM_PFN_NONE. */
	vm_pfn (*choose)(struct vm_machine *machine);
};

/* --- Swap (swap.c) ---------------------------------------------------------------------------- */

#define VM_SLOT_NONE UINT32_MAX

/*
 * A slot of the swap file. It is in use as long as an entry or an object refers to it, or a
 * transfer pins it. Private anonymous pages are found through their entries, shared ones through
 * (object, index).
 */
struct vm_slot {
	/* machine */
	vm_entry_id rmap; /* first of the entries that hold it */
	uint32_t mapped;  /* how many do */
	vm_pfn frame;     /* the swap cache: a frame with the same contents, or VM_PFN_NONE */
	uint32_t pins;
	struct vm_object *object; /* shared anonymous memory whose page INDEX it holds, or NULL */
	uint64_t index;
	struct list_link link; /* in object->slots */
	/* in the free list, or in the hash chain of (object, index); plus one, 0 ends it */
	uint32_t next;
};

struct vm_swap {
	struct vm_medium medium; /* no operations: none */
	uint32_t total;          /* slots */
	/* machine */
	struct vm_slot *slots;
	uint32_t *hash; /* heads of (object, index) chains, plus one */
	uint32_t hash_mask;
	uint32_t free_list; /* plus one */
	uint32_t touched;   /* slots from here on were never used */
	uint32_t used;
	bool on;
};

/* --- Objects (object.c) ----------------------------------------------------------------------- */

/*
 * One open host descriptor, shared by all vm_files that opened the same name with the same access
 * mode.
 */
struct vm_handle {
	struct vm_medium medium;
	int access;            /* O_RDONLY, O_WRONLY or O_RDWR */
	char *name;            /* under which it was opened */
	unsigned users;        /* machine */
	struct list_link link; /* in object->handles */
};

/*
 * An open file description: what mmap and descriptors refer to. Equal pointers mean "the same
 * struct file".
 */
struct vm_file {
	struct vm_machine *machine;
	struct vm_object *object;
	struct vm_handle *handle; /* NULL for shared anonymous memory */
	int access;               /* O_RDONLY, O_WRONLY or O_RDWR */
	int refs;                 /* atomic */
};

struct vm_object {
	struct vm_machine *machine;
	uint64_t number;
	bool shmem;       /* shared anonymous memory, else a host file */
	uint64_t charged; /* pages of shared anonymous memory, for overcommit */
	/* first of the table pages that hold the kernel's own contents (the vdso), or 0 */
	uint32_t special;
	dev_t dev;
	ino_t ino;
	/* machine */
	struct list_link link; /* in machine->objects */
	struct list_link handles;
	struct list_link areas;        /* that map it, by object_link */
	struct list_link clean, dirty; /* its frames */
	struct list_link slots;        /* swap slots with pages of shared anonymous memory */
	uint64_t area_count, pages, dirty_pages;
	unsigned files;   /* vm_files that refer to it */
	unsigned writers; /* write-backs under way */
	/* keeps the object while dirty pages could not be written, else NULL */
	struct vm_handle *kept;
	uint64_t size;                /* bytes, as last seen */
	struct timespec mtime, ctime; /* as last seen */
	int error;                    /* of a write-back that failed, reported once by msync */
	char *name;                   /* as last seen, for fault records: a GRefString */
};

/* --- Processes and the machine ---------------------------------------------------------------- */

struct vm_rlimit {
	uint64_t soft, hard; /* bytes, or VM_UNLIMITED */
};

struct vm_process {
	struct vm_machine *machine;
	pid_t pid; /* 0 while exec prepares a new space in it */
	struct vm_cred cred;
	int64_t start; /* ns since the machine's start */
	int refs;      /* atomic */
	pthread_rwlock_t lock;
	/* process */
	struct vm_space *space; /* NULL once it has ended */
	GPtrArray *fds;         /* struct vm_file *, NULL where closed */
	struct vm_rlimit limits[VM_LIMITS];
	char **environ; /* NULL-terminated */
	/* machine */
	char comm[16];
	pid_t ppid;
	struct vm_process *parent; /* alive, or NULL */
	struct list_link children, sibling;
	uint64_t minor_faults, major_faults, child_minor_faults, child_major_faults;
	int last_signal, last_code;
	uint64_t last_address;
	struct vm_space *oom_space; /* the space, for who looks without the process lock */
	struct vm_tlb *tlb;         /* made at its first use; NULL where none is simulated */
	struct vm_event *events;    /* ring of the last faults */
	unsigned event_room, event_count, event_next;
};

/* Called at the points where calls can meet (base/lock.h). */
enum lock_point { LOCK_DROPPED, LOCK_WAITS };
typedef void (*lock_point_fn)(void *ctx, enum lock_point point);

struct vm_counters {
	uint64_t seq; /* faults recorded */
	uint64_t faults, major_faults, forks, zeroed, cow_copies, cow_reuses, file_reads,
	    file_writes;
	uint64_t frames[3]; /* in use, by enum vm_frame_kind */
	uint64_t dirty, writeback, mapped;
	uint64_t committed; /* pages */
	uint64_t swap_ins, swap_outs, scanned, reclaimed, swap_cached, oom_kills, locked;
};

struct vm_machine {
	struct vm_config config;
	int64_t start_real, start_mono; /* ns: CLOCK_REALTIME, CLOCK_MONOTONIC */
	uint8_t *ram;                   /* contents of frame 0 onwards */
	struct vm_frame *frames;
	uint64_t nr_frames;
	/* entries of table 0 onwards; table T is physical page nr_frames + T */
	uint64_t *table_mem;
	struct vm_table *tables;
	struct vm_link *links;  /* by vm_entry_id */
	uint32_t nr_tables;     /* limit */
	uint32_t kernel_pud;    /* the table of the direct mapping, the same in every process */
	struct vm_object *vdso; /* contents of [vdso] */
	pthread_mutex_t lock;
	lock_point_fn point; /* for tests, see base/lock.h; NULL */
	void *point_ctx;
	unsigned waiters;  /* machine: threads that wait on io */
	pthread_cond_t io; /* some page is no longer busy or under write-back */
	/* machine */
	uint64_t frames_used; /* frames from here on were never used */
	vm_pfn free_frames;   /* head of the free list */
	uint64_t nr_free;
	uint32_t tables_used, free_tables, table_count;
	vm_pfn *cache; /* hash heads of (object, index) */
	uint64_t cache_mask;
	struct list_link objects;
	GHashTable *files; /* (dev, ino) -> object */
	GTree *processes;  /* pid -> process, each a reference */
	pid_t next_pid;
	uint64_t process_count;
	uint64_t sharing; /* changes with every change of who points to which table */
	uint64_t next_object;
	uint64_t next_anon_vma; /* atomic */
	uint64_t next_space;    /* number of the last address space made */
	uint64_t pinned;        /* frames with pins: their contents are in use or on their way */
	GRand *rand;
	struct vm_swap swap;
	const struct vm_policy *policy;
	void *policy_state;            /* the policy's own */
	vm_entry_watch_fn entry_watch; /* who is told of entries that lose something, or NULL */
	void *entry_watch_ctx;
	vm_fault_fn watch; /* who is told of every fault, or NULL */
	void *watch_ctx;
	vm_pfn oldest, newest; /* the list of pages (frame.h) */
	uint64_t listed;
	struct vm_counters count;
	/* flusher.c */
	struct list_link flushers; /* machine */
	pthread_t clock;
	bool clock_runs; /* set before there are other threads */
	pthread_cond_t clock_wake, flusher_wake;
	bool stopping; /* machine */
};

/* A value that can be set at run time, read without the lock. */
#define machine_knob(machine, member) __atomic_load_n(&(machine)->config.member, __ATOMIC_RELAXED)

static inline uint64_t page_align(uint64_t n)
{
	return (n + VM_PAGE_SIZE - 1) & ~(uint64_t)(VM_PAGE_SIZE - 1);
}

static inline uint64_t page_down(uint64_t n)
{
	return n & ~(uint64_t)(VM_PAGE_SIZE - 1);
}

#endif
