/*
 * internal.h - the engine's own types. Only the files of vm/ include it.
 *
 * Fields are grouped by the lock that guards them. A comment of one word opens each group:
 *
 *     process    the lock of the process that owns the structure
 *     machine    the machine's mutex
 *     both       read under either lock, written under both
 *
 * Fields above the first such comment do not change once the structure is in use, unless their
 * comment says so. A function whose name ends in _locked expects that the machine lock is held.
 */
#ifndef VM_INTERNAL_H
#define VM_INTERNAL_H

#include "util/array.h"
#include "util/list.h"
#include "util/treap.h"
#include "vm/vm.h"

#include <pthread.h>

/*
 * The number of a frame or of a table page. A machine has at most 2^31 frames (8 TiB) and 2^22
 * table pages (16 GiB).
 */
typedef uint32_t vm_pfn;
#define VM_PFN_NONE UINT32_MAX

/*
 * The number of a page-table entry: 512 x the number of its table + its index in the table. Table
 * page 0 is the zero page and no table, so 0 means "no entry".
 */
typedef uint32_t vm_entry_id;

/* --- What there are many of (base/pool.h) ----------------------------------------------------- */

#define VM_POOL_NONE UINT32_MAX

enum { VM_POOL_PARTS = 3 };

/* Numbers plus one; 0: none. */
struct vm_pool_link {
	uint32_t below, above;
};

struct vm_pool_part {
	void *memory; /* of thing 0 */
	size_t size;  /* bytes of one thing */
};

/* Which of the things 0 to TOTAL - 1 are free. */
struct vm_pool {
	uint32_t total;
	struct vm_pool_part part[VM_POOL_PARTS];
	unsigned parts;
	/* machine */
	uint32_t used;  /* things from here on were never used */
	uint32_t top;   /* of the stack of those that are free again, plus one; 0: it is empty */
	uint32_t count; /* length of the stack */
	uint32_t given; /* so many of its lowest have no memory of the host */
	uint32_t first; /* the lowest that has, plus one; 0: none */
	uint32_t least; /* the least COUNT since the last pool_give_back_locked */
	struct vm_pool_link *links; /* by number */
};

/* --- Areas (area.c) --------------------------------------------------------------------------- */

/* Rights and properties of an area. The names are those of Linux's VM_ flags. */
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
	/* made by the kernel ([vvar], [vdso]): never merged, split or written back */
	AREA_SPECIAL = 1 << 15,
	AREA_STACK = 1 << 16, /* MAP_STACK */
	/* MADV_SEQUENTIAL, MADV_RANDOM: only shown, because there is no read-ahead */
	AREA_SEQ_READ = 1 << 17,
	AREA_RAND_READ = 1 << 18,
	AREA_WIPEONFORK = 1 << 19,
	AREA_DONTDUMP = 1 << 20,
	AREA_ACCESS = AREA_READ | AREA_WRITE | AREA_EXEC,
};

struct vm_area {
	/* both */
	uint64_t start, end; /* bytes, multiples of the page size */
	/*
	 * page of the object at START. Private anonymous: START >> 12 of where the area was made
	 */
	uint64_t pgoff;
	/* a file or shared anonymous memory; NULL for private anonymous */
	struct vm_object *object;
	struct list_link object_link;
	/* process */
	unsigned flags;       /* AREA_ */
	struct vm_file *file; /* a reference, which keeps OBJECT alive; or NULL */
	const char *name;     /* "[vdso]": a static string, or NULL */
	/* what maps shows instead of what it maps (label.h): a reference, or NULL */
	struct vm_label *label;
	bool soft_dirty; /* new since the last clear_refs (VM_SOFTDIRTY) */
	/* it had guard pages once, or merged with an area that had (VM_MAYBE_GUARD): only shown */
	bool may_guard;
	struct vm_space *space;
	struct vm_area *left, *right, *parent, *prev, *next;
	uint64_t max_gap; /* largest gap below any area of the subtree */
	int height;
	/* machine */
	/* has anonymous pages that fork inherited: a longer anon_vma chain in Linux */
	bool anon_inherited;
	/*
	 * number of the family that its anonymous pages belong to, 0: none yet (Linux's anon_vma)
	 */
	uint64_t anon_vma;
};

/* Whether AREA is the kernel's clock page, which is no memory: VM_IO and VM_PFNMAP in Linux. */
static inline bool area_is_device(const struct vm_area *area)
{
	return (area->flags & AREA_SPECIAL) && area->object == NULL;
}

static inline uint64_t area_pages(const struct vm_area *area)
{
	return (area->end - area->start) >> VM_PAGE_SHIFT;
}

/* The page number at VA in AREA's object. Private anonymous: counted on from pgoff. */
static inline uint64_t area_index(const struct vm_area *area, uint64_t va)
{
	return area->pgoff + ((va - area->start) >> VM_PAGE_SHIFT);
}

/* The default soft RLIMIT_STACK: how far a stack may grow, in bytes. */
#define VM_STACK_DEFAULT (UINT64_C(8) << 20)

/* --- Address spaces --------------------------------------------------------------------------- */

/*
 * A way to a page table that was walked, as the paging-structure caches of a processor have it.
 * Valid while machine->paths equals CHANGE.
 */
struct vm_path {
	uint64_t block; /* what the table translates: VA >> 21, or >> 30 for a level above */
	uint64_t change;
	uint64_t rights; /* the AND of the entries above, where PTE_NX is the right to execute */
	uint32_t table;
};

/* Ways to tables of the level above the last that a space remembers, by the low bits of BLOCK. */
enum { VM_UPPER_PATHS = 8 };

struct vm_space {
	struct vm_process *process; /* its lock guards the space; exec changes it */
	uint64_t number;            /* from 1, never used again */
	/* process */
	struct vm_area *root, *first, *last;
	uint64_t area_count;
	uint64_t mmap_base; /* the search for free addresses starts below this and goes down */
	uint64_t total_pages, peak_pages, data_pages, stack_pages, exec_pages, locked_pages;
	struct vm_layout layout;
	bool kernel_only;     /* made by an exec that maps what the kernel maps */
	unsigned lock_future; /* AREA_LOCKED, AREA_LOCKONFAULT of new areas (MCL_FUTURE) */
	/* the running program, a reference, kept from being written (file_deny_write); or NULL */
	struct vm_file *exe;
	uint64_t auxv[64]; /* the auxiliary vector on the stack: pairs of key and value */
	unsigned auxv_len; /* elements of auxv in use, a multiple of 2; 0 before an exec */
	/* of a process that was loaded (threads.h); NULL: it was not */
	struct vm_threads *threads;
	/* machine */
	uint32_t pgd;        /* number of the top-level table */
	struct vm_path path; /* the last way to a last-level table */
	struct vm_path upper[VM_UPPER_PATHS];
	uint64_t rss[3]; /* pages by enum vm_frame_kind */
	uint64_t rss_peak;
	uint64_t swap; /* entries that hold a swap slot */
	/* table pages that it reaches, without the top-level one; shared ones count in full */
	uint64_t tables;
};

/* --- Page tables (memory/) -------------------------------------------------------------------- */

/* Called for each entry that loses something (pte_watch in pte.h). */
typedef void (*vm_entry_watch_fn)(void *ctx, vm_entry_id id);

/* A page-table page. */
struct vm_table {
	/* machine */
	struct vm_space *space; /* the owner of a top-level table, else NULL */
	uint64_t va;            /* lowest address it translates, the same for all its users */
	vm_entry_id rmap;       /* first of the entries that point to it */
	uint32_t users;         /* number of entries that point to it */
	/*
	 * The number of processes that reach it, and the only address space that does, or NULL.
	 * Each is valid while machine->sharing equals the other.
	 */
	uint64_t processes, counted;
	struct vm_space *only;
	uint64_t only_at;
	uint16_t used; /* number of its entries that are not 0 */
	uint8_t level; /* enum vm_level, or VM_TABLE_SPECIAL (table.h) */
};

/*
 * The neighbours of an entry in its reverse-map chain (rmap.h), 0 at the ends. It is only written
 * when the chain has two or more entries.
 */
struct vm_link {
	vm_entry_id prev, next;
};

/* --- Frames (frame.c) ------------------------------------------------------------------------- */

enum {
	FRAME_BUSY = 1 << 0, /* its contents are being read: wait on machine->io */
	/*
	 * newer than its copy: a page of a host file than the file (it is in object->dirty then),
	 * an anonymous page in the swap cache than its slot
	 */
	FRAME_DIRTY = 1 << 1,
	FRAME_WRITEBACK = 1 << 2,  /* being written to its file or slot */
	FRAME_SWAPCACHE = 1 << 3,  /* private anonymous, and cached contents of slot INDEX */
	FRAME_REFERENCED = 1 << 4, /* the accessed bit of the clock policy */
	FRAME_WANTED = 1 << 5,     /* mapped again while it was being evicted: it stays */
	/* anonymous, after MADV_FREE: freed instead of swapped out while no entry has D set */
	FRAME_LAZYFREE = 1 << 6,
	FRAME_LISTED = 1 << 7, /* holds a page that page replacement knows (frame.h) */
	FRAME_BLANK = 1 << 8,  /* nothing was stored to it since it was cleared (frame_is_blank) */
	FRAME_MET = 1 << 9,    /* used since it was loaded (frame_used_again_locked) */
	FRAME_COLD = 1 << 10,  /* the next to go (frame_age_locked), if the policy has lists */
};

struct vm_frame {
	/* machine */
	struct vm_object *object; /* the object whose page it caches; NULL: private anonymous */
	uint64_t index;           /* page in the object; with FRAME_SWAPCACHE the swap slot */
	struct list_link link;    /* in object->clean or object->dirty */
	vm_entry_id rmap;         /* first of the entries that map it */
	uint32_t mapped;          /* entries in that chain; one in a shared table counts once */
	uint32_t pins;            /* transfers that use it now */
	vm_pfn next;              /* in a hash chain of the page cache, plus one; 0 ends it */
	uint16_t flags;           /* FRAME_ */
	uint16_t storing;         /* transfers that store to it this instant */
	uint32_t version;       /* changes when the page becomes dirty or clean, or is read again */
} __attribute__((aligned(64))); /* one line of the host's cache */

/*
 * Where a page is in the list of pages (frame.h). By itself, so that a walk over the list, and
 * moving pages in it, touches little memory.
 */
struct vm_neighbours {
	vm_pfn older, newer; /* VM_PFN_NONE at the ends */
};

/* --- Page replacement (policy/) --------------------------------------------------------------- */

/*
 * The key by which a policy knows a page:
 *
 *     VM_KEY_OBJECT    a page of an object: the object's number, the index in it
 *     VM_KEY_SLOT      private anonymous memory that has a swap slot: the slot
 *     VM_KEY_PLACE     private anonymous memory without one: an address space that maps it, where
 *
 * A page of an object has the same key in a frame and while it is evicted. The key of private
 * anonymous memory changes when the page gets a slot or loses it; while it is evicted it is the
 * slot.
 */
struct vm_page_key {
	enum { VM_KEY_OBJECT, VM_KEY_SLOT, VM_KEY_PLACE } kind;
	uint64_t owner; /* number of the object or of the address space; 0 for a slot */
	uint64_t index; /* page in the object, slot, or VA >> 12 */
};

/* For what a page is to be chosen. */
struct vm_want {
	/* the page for which a frame is wanted; VM_KEY_PLACE: a new one, or not known */
	struct vm_page_key key;
	/* only pages that this process maps may go; a reference of the caller's; NULL: any */
	const struct vm_process *process;
};

/* A place in the queue of a policy (vm_machine_queue). */
struct vm_spot {
	const char *list; /* a static string; NULL: before the first */
	uint32_t node;    /* the policy's own number for the place; that of a page is its frame */
	bool ghost;       /* a page that is away, but is remembered */
};

/* A page-replacement policy: see policy/policy.h. The machine lock is held in all functions. */
struct vm_policy {
	const char *name;
	const char *about; /* what it does, in a sentence: below 70 columns */
	bool hand;         /* the queue begins at a hand that passes pages by */
	bool bits;         /* it looks at FRAME_REFERENCED */
	bool own;          /* it has an order of its own, not that of the list (frame.h) */
	/* Make machine->policy_state, if the policy needs one. 0 or -ENOMEM. May be NULL. */
	int (*init)(struct vm_machine *machine);
	/*
	 * Free STATE, which was machine->policy_state. Another policy may be set by now, and the
	 * machine lock is not held: there may be much to free. May be NULL.
	 */
	void (*free)(struct vm_machine *machine, void *state);
	/* A page was loaded into frame PFN. May be NULL. */
	void (*loaded)(struct vm_machine *machine, vm_pfn pfn);
	/* A process has loaded from the page in PFN or stored to it. May be NULL. */
	void (*used)(struct vm_machine *machine, vm_pfn pfn);
	/*
	 * The page in PFN leaves its frame. EVICTED: it still has the key with which it may be
	 * loaded again. Else it is freed, and has none. May be NULL.
	 */
	void (*gone)(struct vm_machine *machine, vm_pfn pfn, bool evicted);
	/*
	 * The swap slot KEY is free, and the key may be given to another page. The page before may
	 * still be in a frame, under another key. Or KEY is a page of an object that was evicted
	 * and is no more. May be NULL.
	 */
	void (*lost)(struct vm_machine *machine, const struct vm_page_key *key);
	/*
	 * Pages [FIRST, LAST) of the object with the number OBJECT are no more: those that were
	 * evicted, too. The lock may be dropped meanwhile. May be NULL.
	 */
	void (*cut)(struct vm_machine *machine, uint64_t object, uint64_t first, uint64_t last);
	/*
	 * The page in PFN was chosen, but could not go: others are to be tried first. NULL: it is
	 * moved to the newest end of the list.
	 */
	void (*stayed)(struct vm_machine *machine, vm_pfn pfn);
	/*
	 * The frame to evict, one that evictable_locked allows. VM_PFN_NONE: there is none. Not
	 * called again until something has changed that may make a page evictable. The lock may be
	 * dropped meanwhile (frame.h: walks).
	 */
	vm_pfn (*choose)(struct vm_machine *machine);
	/*
	 * Move SPOT on to the next place of the queue. SPOT is in it, or before the first. False:
	 * there is none. NULL: the queue is the list.
	 */
	bool (*next)(struct vm_machine *machine, struct vm_spot *spot);
	/*
	 * Instead of it, for a policy whose order must be looked for: put the ROOM places after
	 * AFTER into SPOTS, or all that there are, and return how many. The lock may be dropped
	 * meanwhile; they may be outdated, but for the list. NULL if `next` does.
	 */
	unsigned (*fill)(struct vm_machine *machine, const struct vm_spot *after,
	                 struct vm_spot *spots, unsigned room);
	/*
	 * How many pages are in its active lists: of files, or anonymous ones. NULL: it has no such
	 * lists.
	 */
	uint64_t (*active)(const struct vm_machine *machine, bool files);
	/* Whether NODE is in the queue. NULL if both are. */
	bool (*holds)(const struct vm_machine *machine, uint32_t node);
	/* What is wrong with the state of the policy: a static string, or NULL. May be NULL. */
	const char *(*check)(const struct vm_machine *machine);
};

/* --- Swap (swap.c) ---------------------------------------------------------------------------- */

#define VM_SLOT_NONE UINT32_MAX

/*
 * A slot of the swap file: one page. It is in use as long as an entry or an object refers to it, or
 * a transfer pins it. The slot of a private anonymous page is found through the page's entries,
 * that of a page of shared anonymous memory through (object, index).
 */
struct vm_slot {
	/* machine */
	vm_entry_id rmap; /* first of the entries that hold it */
	uint32_t mapped;  /* number of entries that hold it */
	vm_pfn frame;     /* the swap cache: the frame that holds its page, or VM_PFN_NONE */
	uint32_t pins;    /* transfers that use it now */
	struct vm_object *object; /* shared anonymous memory whose page INDEX it holds, or NULL */
	uint64_t index;
	struct list_link link; /* in object->slots */
	/* next slot, plus one, in the free list or in the hash chain of (object, index); 0: end */
	uint32_t next;
	bool blank;             /* its page is all zeros, and was not written to the medium */
} __attribute__((aligned(64))); /* one line of the host's cache */

struct vm_swap {
	struct vm_medium medium; /* without operations there is no swap file (see no_contents) */
	uint32_t total;          /* slots, 1 to TOTAL: slot 0 is reserved, as in Linux */
	/* machine */
	struct vm_slot *slots;
	uint32_t *hash; /* first slots, plus one, of the (object, index) chains */
	uint32_t hash_mask;
	uint32_t free_list; /* first free slot, plus one; 0: none */
	uint32_t touched;   /* slots from here on were never used; at least 1 */
	uint32_t used;      /* slots in use */
	bool on;            /* new slots may be taken */
};

/* --- Objects (object.c) ----------------------------------------------------------------------- */

/*
 * One open host descriptor. All vm_files for which one user opened the same name with the same
 * access mode share it.
 */
struct vm_handle {
	struct vm_medium medium;
	int access;            /* O_RDONLY, O_WRONLY or O_RDWR */
	struct vm_user *user;  /* who opened it, a reference: it is charged to him */
	unsigned users;        /* vm_files and transfers that use it (machine) */
	struct list_link link; /* in object->handles */
	char name[];           /* the name under which it was opened */
};

/* What the file system of a host file means to those who map or run it (base/filesystem.h). */
struct filesystem {
	bool noexec; /* nothing there may be executed: path_noexec */
	/* S_ISUID, S_ISGID and capabilities of programs mean nothing: mnt_may_suid */
	bool nosuid;
	bool unmappable; /* its files cannot be mapped: can_mmap_file */
	/* mappings of 2 MiB and more are aligned to that: it has thp_get_unmapped_area */
	bool aligned;
	/* a new mapping merges with no other, because it gets a file of its own: overlayfs */
	bool separate;
	bool renumbers; /* st_dev is not the number of its superblock, which maps shows */
};

/*
 * An open file description: descriptors and mappings refer to it. Two equal pointers are the same
 * `struct file` of Linux.
 */
struct vm_file {
	struct vm_machine *machine;
	struct vm_object *object; /* NULL for a special file */
	struct vm_handle *handle; /* NULL for shared anonymous memory, and for a special file */
	int access;               /* O_RDONLY, O_WRONLY or O_RDWR */
	/* of a special file, else NULL: what it does, its data, and who is charged for it */
	const struct vm_file_ops *ops;
	void *ctx;
	struct vm_user *user; /* a reference, or NULL: nothing is charged */
	enum vm_resource what;
	uint64_t charged;             /* units of WHAT */
	struct filesystem filesystem; /* on which it is; of other files all is false */
	int refs;                     /* atomic */
	unsigned flags;               /* vm_file_flags: atomic */
	/* guards `offset`; held while bytes are transferred at it, as Linux's f_pos_lock */
	pthread_mutex_t offset_lock;
	uint64_t offset;
};

struct vm_object {
	struct vm_machine *machine;
	uint64_t number;
	bool shmem;       /* shared anonymous memory, else a host file */
	bool for_replay;  /* of an area that a replayed reference made (replay.c) */
	bool view;        /* a host file whose bytes lie in another one (view.h) */
	uint64_t charged; /* pages charged for overcommit; shared anonymous memory only */
	/* the vdso: number of the first table page that holds its contents. Else 0 */
	uint32_t special;
	dev_t dev;
	ino_t ino;
	/* the device number in maps: not always dev, which is that of stat; atomic */
	dev_t superblock;
	/* machine */
	struct list_link link;       /* in machine->objects */
	struct vm_object *next_file; /* in its bucket of machine->files */
	struct list_link handles;
	struct list_link areas;        /* the areas that map it, by object_link */
	struct list_link clean, dirty; /* its frames */
	struct list_link slots;        /* swap slots with pages of shared anonymous memory */
	struct list_walk *walks;       /* over the three kinds of lists above (util/list.h) */
	bool shrinking;                /* its pages past a new end are being dropped (shrink.c) */
	/* pages [hole_first, hole_last) are being removed: none of them is read in meanwhile */
	uint64_t hole_first, hole_last;
	uint64_t hole_moves; /* grows when one of these becomes dirty or clean */
	uint64_t area_count, pages, dirty_pages;
	unsigned files; /* references: vm_files, and transfers while they last */
	/*
	 * above 0: vm_files that may write it; below 0: programs that run it, and execs that read
	 * it (Linux's i_writecount)
	 */
	int write_count;
	bool unsynced;    /* something was written to the file since object_sync */
	unsigned writers; /* write-backs under way */
	/* a vm_file_write or vm_file_truncate is under way (read_write.c): others wait for it */
	bool changing;
	/* a writable handle, kept with a reference until all dirty pages are written or lost */
	struct vm_handle *kept;
	uint64_t size;                /* bytes, as last seen */
	struct timespec mtime, ctime; /* as last seen */
	/*
	 * The times were old enough when they were last seen: a later change of the file has other
	 * times, however coarse the host's time stamps are.
	 */
	bool settled;
	int error;  /* errno of a failed write-back; msync reports it once */
	char *name; /* as last seen, for fault records (util/refstring.h); or NULL */
};

/* --- Processes and the machine ---------------------------------------------------------------- */

struct vm_rlimit {
	uint64_t soft, hard; /* bytes, or VM_UNLIMITED */
};

struct vm_process {
	struct vm_machine *machine;
	pid_t pid; /* 0 while exec, fork or spawn builds an address space in it */
	struct vm_cred cred;
	struct vm_user *user; /* cred.uid, a reference; it and its areas are charged to him */
	int64_t start;        /* ns since the machine's start */
	int refs;             /* atomic */
	pthread_rwlock_t lock;
	/* process */
	struct vm_space *space;            /* NULL once it has ended */
	struct array fds;                  /* struct vm_file * by descriptor; NULL: closed */
	uint64_t cloexec[VM_MAX_FDS / 64]; /* bit N: descriptor N is closed by exec */
	struct vm_rlimit limits[VM_LIMITS];
	struct vm_environ *environ; /* a reference (environ.h), or NULL: no variables */
	/* machine */
	struct treap_link table; /* in machine->processes, by pid */
	char comm[16];
	pid_t ppid;
	bool kept;   /* atomic: it is to be a zombie after its end (vm_process_keep) */
	bool zombie; /* it has ended, and is still in the table */
	struct vm_process *parent; /* alive, or NULL */
	struct list_link children, sibling;
	uint64_t minor_faults, major_faults, child_minor_faults, child_major_faults;
	uint64_t evicted; /* its pages that went to make room */
	struct vm_replay_counts replay;
	pid_t group, session;
	/* thousandths of all memory that count for the process; the lowest that anybody may set */
	int oom_adj, oom_adj_least;
	unsigned dump_filter; /* vm_process_set_dump_filter */
	char *cwd;            /* util/refstring.h, charged to the user; NULL: not known */
	int last_signal, last_code;
	uint64_t last_address;
	struct vm_space *oom_space; /* SPACE, for readers without the process lock */
	struct vm_tlb *tlb;         /* made at its first use; NULL if none is simulated */
	struct vm_event *events;    /* ring of the last faults */
	/* of the ring: length, records in it, where the next one goes */
	unsigned event_room, event_count, event_next;
};

/* Called at the points where calls can meet (base/lock.h). */
enum lock_point { LOCK_DROPPED, LOCK_WAITS };
typedef void (*lock_point_fn)(void *ctx, enum lock_point point);

/* Called at the end of each hold of the machine lock, which took NS (lock_time in base/lock.h). */
typedef void (*lock_hold_fn)(void *ctx, int64_t ns);

/* The thread that runs user code (base/guest.h). */
struct vm_guest {
	uint8_t
	    *leave;   /* where it is told to leave user code; atomic; NULL: there is no processor */
	pid_t thread; /* its number on the host, valid while it runs; atomic */
	bool runs;    /* user code runs, and the thread holds the machine lock; atomic */
	unsigned waiters; /* threads that wait for the machine lock; atomic */
	unsigned holds;   /* looks that want no user code to run meanwhile; atomic */
	uint64_t locks;   /* how many times it was taken; atomic, changed under the lock */
};

struct vm_counters {
	/* the counters of struct vm_machine_info, in the same units */
	uint64_t seq; /* sequence number of the last fault */
	uint64_t faults, major_faults, forks, zeroed, cow_copies, cow_reuses, file_reads,
	    file_writes;
	uint64_t frames[3]; /* in use, by enum vm_frame_kind */
	uint64_t dirty, writeback, mapped;
	uint64_t committed; /* pages */
	uint64_t swap_ins, swap_outs, scanned, reclaimed, swap_cached, oom_kills, locked;
	uint64_t taken, put, stalls; /* frames; times that somebody had to make one free */
};

struct vm_machine {
	struct vm_config config;
	int64_t start_real, start_mono; /* when it started, ns: CLOCK_REALTIME, CLOCK_MONOTONIC */
	int64_t ticked; /* the uptime by a clock of its own, ns: atomic, changed under the lock */
	uint8_t *ram;   /* contents of frame 0 onwards */
	struct vm_frame *frames;
	struct vm_neighbours *order; /* by frame; valid if it is FRAME_LISTED */
	/* frames 1 to nr_frames - 1 are RAM; frame 0 is reserved (machine_ram_pages) */
	uint64_t nr_frames;
	/* entries of table 0 onwards; table T is physical page nr_frames + T */
	uint64_t *table_mem;
	struct vm_table *tables;
	struct vm_link *links; /* by vm_entry_id */
	uint32_t nr_tables;    /* table pages that may exist */
	/* the table that maps physical memory, the same in every process */
	uint32_t kernel_pud;
	int proc; /* the host's /proc (util/proc.h), or -1: it has none */
	/* the auxiliary vector of this process: pairs of key and value; how many words */
	uint64_t host_auxv[128];
	size_t host_auxv_len;
	struct vm_object *vdso;          /* contents of [vdso], or NULL */
	struct host_layout *vdso_layout; /* vdso.c: the areas around it; NULL without vdso */
	pthread_mutex_t lock;
	/* for threads that waited too long for `lock` (machine_lock); how many: atomic */
	pthread_mutex_t turn;
	unsigned hungry;
	struct vm_guest guest;
	struct vm_cpu *cpu;  /* the processor (cpu/cpu.h), or NULL; changes under the lock */
	lock_point_fn point; /* for tests, see base/lock.h; NULL */
	void *point_ctx;
	int64_t hold_limit;   /* for tests, see lock_time in base/lock.h, ns; 0; atomic */
	lock_hold_fn hold_fn; /* machine */
	void *hold_ctx;
	unsigned waiters;  /* machine: threads in machine_wait_io_locked */
	pthread_cond_t io; /* a page is no longer busy or under write-back, or a frame unpinned */
	uint64_t held[VM_RESOURCES]; /* by all users together (base/user.h), atomic */
	/* bytes free after the heap was trimmed, or the least since; looks at it; both atomic */
	uint64_t heap_free, heap_looks;
	uint64_t unprobed; /* bytes charged since the host was last asked, atomic */
	bool no_room;      /* it had no room then, atomic */
	/* machine */
	struct vm_user *users[256]; /* first of those whose uids are equal modulo that */
	struct vm_pool frame_pool, table_pool, twin_pool;
	uint32_t table_count; /* tables in use */
	vm_pfn *cache; /* the page cache: first frames, plus one, of (object, index) chains */
	struct vm_twin **twins; /* by frame: what its dirty page of a file was, or NULL (twin.h) */
	struct vm_twin *twin_memory; /* the region of twins */
	uint64_t cache_mask;
	struct list_link objects;
	struct vm_object **files; /* first objects of the host files with one hash of (dev, ino) */
	struct treap_link *processes; /* by pid; the tree holds a reference to each */
	struct treap_link *threads;   /* of loaded processes, by the highest number (threads.h) */
	pid_t next_pid;
	uint64_t process_count;
	uint64_t sharing; /* grows whenever an entry starts or stops pointing to a table */
	uint64_t paths;   /* grows whenever an entry above the last level changes (vm_path) */
	uint64_t next_object;
	uint64_t next_anon_vma; /* atomic */
	uint64_t next_space;    /* number of the last address space made */
	uint64_t pinned;        /* frames with pins: a transfer uses or fills them */
	GRand *rand;
	struct vm_swap swap;
	const struct vm_policy *policy;
	void *policy_state;            /* the policy's own */
	uint64_t policy_changes;       /* how many times POLICY was set */
	struct vm_want want;           /* while a page is chosen: for what */
	vm_entry_watch_fn entry_watch; /* called for entries that lose something, or NULL */
	void *entry_watch_ctx;
	vm_fault_fn watch; /* called for every fault, or NULL */
	void *watch_ctx;
	vm_exit_fn on_exit; /* called at the end of a kept process, or NULL */
	void *on_exit_ctx;
	vm_pfn oldest, newest; /* the list of pages (frame.h) */
	uint64_t listed;       /* its length */
	struct frame_walk *frame_walks;
	/*
	 * MAY_EVICT grows with all that may make a page evictable. FUTILE is its value before the
	 * last search that found none. PASSED counts pages that were only in use for the moment
	 * when a search looked at them.
	 */
	uint64_t may_evict, futile, passed;
	struct vm_counters count;
	/* flusher.c */
	struct list_link flushers;  /* machine: one thread for each device */
	uint64_t syncs;             /* machine: number of the last vm_machine_sync */
	pthread_t clock;            /* the thread that wakes them */
	int64_t flushed, refreshed; /* when all were asked last, by that thread's clock, ns */
	bool clock_runs;            /* set before there are other threads */
	pthread_cond_t clock_wake, flusher_wake;
	bool stopping; /* machine */
	uint64_t hold; /* number of the present hold of the machine lock, from 1 on */
};

/* The value of a knob (MEMBER of struct vm_config). The machine lock is not needed. */
#define machine_knob(machine, member) __atomic_load_n(&(machine)->config.member, __ATOMIC_RELAXED)

/* N bytes, rounded up to whole pages. 0 if that does not fit into 64 bits. */
static inline uint64_t page_align(uint64_t n)
{
	return (n + VM_PAGE_SIZE - 1) & ~(uint64_t)(VM_PAGE_SIZE - 1);
}

/* N bytes, rounded down to whole pages. */
static inline uint64_t page_down(uint64_t n)
{
	return n & ~(uint64_t)(VM_PAGE_SIZE - 1);
}

#endif
