/*
 * hostsnapshot.c - see hostsnapshot.h.
 *
 *     1. With the caller's identity: open mem and pagemap, read the texts. From then on no right is
 *        needed any more: these two belong to the address space that they were opened for.
 *     2. Area by area: find its file, or copy its pages.
 *
 * Which pages of an area are to be copied:
 *
 *     nothing in memory or swap, no file       none: it is anonymous memory that nobody touched
 *     a file that can be mapped, no page of    none: the file has them
 *     the process's own
 *     other private memory                     those in memory or swap; the rest is a hole, that is
 *                                              zeros
 *     anything else                            all that can be read
 */
#include "fs/host/hostsnapshot.h"

#include "fs/base/budget.h"
#include "fs/host/hostfile.h"
#include "fs/host/hostidentity.h"
#include "fs/host/hostsmaps.h"
#include "fs/host/hostthreads.h"
#include "util/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	PIECE = 64 << 10, /* bytes of one read of mem */
	MAP_WORDS = 4096, /* pages that are looked up in pagemap at a time */
};

#define PRESENT_OR_SWAPPED (UINT64_C(3) << 62)

/* A snapshot under way. */
struct snapshot {
	struct fs_mount *mount;
	const struct fs_caller *caller;
	pid_t pid;
	struct vm_image *image;
	int mem, pagemap;          /* of the process */
	int copy;                  /* where its memory goes */
	uint64_t end;              /* of what is in COPY */
	struct budget_share share; /* for the text of smaps */
	char *smaps, *stat, *exe;
	/* the file of the last area, a reference or NULL, and its name there */
	struct vm_file *file;
	char *name;
	struct stat status; /* of FILE */
};

/* --- 1. With the caller's identity ------------------------------------------------------------ */

/* 0, or an errno, negative, for a file of the process that could not be had. */
static int why_not(int error)
{
	return error == ENOENT ? -ESRCH : -error;
}

/* -EBUSY: the process is this daemon, into which a thread of its own may always look. */
static int check_process(const struct snapshot *s)
{
	g_autofree char *status = proc_read(s->mount->proc_pids, "%d/status", (int)s->pid);
	char self[16];

	if (status == NULL)
		return why_not(errno);
	const char *line = strstr(status, "\nTgid:");
	bool known = proc_read_link(s->mount->proc_pids, self, sizeof self, "self");
	if (line == NULL || !known)
		return -ESRCH;
	return atoi(line + strlen("\nTgid:")) == atoi(self) ? -EBUSY : 0;
}

static void read_auxv(struct snapshot *s)
{
	int fd = proc_open_file(s->mount->proc_pids, O_RDONLY, "%d/auxv", (int)s->pid);
	ssize_t got = fd >= 0 ? read(fd, s->image->auxv, sizeof s->image->auxv) : 0;

	if (fd >= 0)
		close(fd);
	s->image->auxv_len = (unsigned)(MAX(got, 0) / 16 * 2);
}

static void read_comm(struct snapshot *s)
{
	g_autofree char *comm = proc_read(s->mount->proc_pids, "%d/comm", (int)s->pid);

	if (comm == NULL)
		return;
	comm[strcspn(comm, "\n")] = '\0';
	g_strlcpy(s->image->comm, comm, sizeof s->image->comm);
}

/*
 * The process's smaps, which may be long: it is charged to the caller's part of the budget. NULL
 * with errno set, ENOMEM if that is not enough.
 */
static char *read_smaps(struct snapshot *s)
{
	g_autoptr(GString) text = g_string_new(NULL);
	int fd = proc_open_file(s->mount->proc_pids, O_RDONLY, "%d/smaps", (int)s->pid);
	char piece[4096];
	ssize_t got = -1;

	if (fd < 0)
		return NULL;
	while ((got = read(fd, piece, sizeof piece)) > 0 || (got < 0 && errno == EINTR)) {
		/* A string grows by doubling. */
		if (got > 0 && !budget_resize(&s->share, 2 * (text->len + (size_t)got))) {
			errno = ENOMEM;
			got = -1;
			break;
		}
		g_string_append_len(text, piece, MAX(got, 0));
	}
	int error = errno;
	close(fd);
	errno = error;
	return got < 0 ? NULL : g_string_free(g_steal_pointer(&text), FALSE);
}

/* Open and read all that needs the caller's rights. Called by hostidentity_run. */
static int64_t open_process(void *ctx)
{
	struct snapshot *s = ctx;
	int proc = s->mount->proc_pids, pid = (int)s->pid;
	char exe[PATH_MAX];
	int error = check_process(s);

	if (error != 0)
		return error;
	s->mem = proc_open_file(proc, O_RDONLY, "%d/mem", pid);
	/* The process is there. Newer kernels do not open the memory of one that has none. */
	if (s->mem < 0)
		return errno == ESRCH ? -ENOEXEC : why_not(errno);
	s->pagemap = proc_open_file(proc, O_RDONLY, "%d/pagemap", pid);
	if (s->pagemap < 0)
		return why_not(errno);
	s->smaps = read_smaps(s);
	s->stat = s->smaps != NULL ? proc_read(proc, "%d/stat", pid) : NULL;
	if (s->stat == NULL)
		return why_not(errno);
	if (proc_read_link(proc, exe, sizeof exe, "%d/exe", pid))
		s->exe = g_strdup(exe);
	read_auxv(s);
	read_comm(s);
	return hostthreads_read(proc, s->pid, s->image);
}

/* The number of field INDEX of the process's stat, counted from 1 as in proc(5). */
static uint64_t stat_field(const struct snapshot *s, int index)
{
	/* The name, field 2, may have blanks and brackets. */
	const char *at = strrchr(s->stat, ')');

	for (int field = 2; at != NULL && field < index; field++)
		at = strchr(at + 1, ' ');
	return at != NULL ? strtoull(at, NULL, 10) : 0;
}

static void read_layout(struct snapshot *s)
{
	s->image->layout = (struct vm_layout){
	    .start_code = stat_field(s, 26),
	    .end_code = stat_field(s, 27),
	    .start_stack = stat_field(s, 28),
	    .start_data = stat_field(s, 45),
	    .end_data = stat_field(s, 46),
	    .start_brk = stat_field(s, 47),
	    .brk = stat_field(s, 47),
	    .arg_start = stat_field(s, 48),
	    .arg_end = stat_field(s, 49),
	    .env_start = stat_field(s, 50),
	    .env_end = stat_field(s, 51),
	};
	if (s->image->threads.len > 0) {
		const struct vm_regs *regs =
		    &ARRAY_AT(&s->image->threads, struct vm_thread, 0).regs;
		s->image->layout.pc = regs->rip;
		s->image->layout.sp = regs->rsp;
	}
}

/* --- 2. Copying ------------------------------------------------------------------------------- */

/* Write LEN bytes of BUF to the copy at OFFSET. 0 or a negative errno. */
static int write_copy(const struct snapshot *s, const char *buf, size_t len, uint64_t offset)
{
	while (len > 0) {
		ssize_t done = pwrite(s->copy, buf, len, (off_t)offset);
		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return done < 0 ? -errno : -ENOSPC;
		buf += done;
		offset += (uint64_t)done;
		len -= (size_t)done;
	}
	return 0;
}

/* The image has the bytes [START, END) at OFFSET of the copy. */
static int add_piece(const struct snapshot *s, uint64_t start, uint64_t end, uint64_t offset)
{
	struct array *pieces = &s->image->pieces;
	struct vm_image_piece *last =
	    pieces->len > 0 ? &ARRAY_AT(pieces, struct vm_image_piece, pieces->len - 1) : NULL;

	if (last != NULL && last->end == start &&
	    last->offset + (last->end - last->start) == offset) {
		last->end = end;
		return 0;
	}
	struct vm_image_piece *piece = vm_image_add_piece(s->image);
	if (piece == NULL)
		return -ENOMEM;
	*piece = (struct vm_image_piece){start, end, offset};
	return 0;
}

/*
 * Copy what can be read of [START, END) to OFFSET of the copy. SPARSE: what cannot is not missed,
 * since somebody else adds the piece.
 */
static int copy_range(struct snapshot *s, uint64_t start, uint64_t end, uint64_t offset,
                      bool sparse)
{
	g_autofree char *buf = g_malloc(PIECE);
	int error = 0;

	for (uint64_t at = start; error == 0 && at < end;) {
		ssize_t got = pread(s->mem, buf, MIN(PIECE, end - at), (off_t)at);
		if (vm_interrupted())
			return -EINTR;
		/* What is not readable is left out, page by page. */
		size_t len = got > 0 ? (size_t)got & ~(size_t)(VM_PAGE_SIZE - 1) : 0;
		if (len == 0) {
			at += VM_PAGE_SIZE;
			continue;
		}
		error = write_copy(s, buf, len, offset + (at - start));
		if (error == 0 && !sparse)
			error = add_piece(s, at, at + len, offset + (at - start));
		at += len;
	}
	return error;
}

/* Copy the pages of AREA that are in memory or swap. The others are holes, and so zeros. */
static int copy_touched(struct snapshot *s, const struct hostarea *area, uint64_t offset)
{
	g_autofree uint64_t *words = g_malloc(MAP_WORDS * sizeof *words);
	int error = add_piece(s, area->start, area->end, offset);

	for (uint64_t at = area->start; error == 0 && at < area->end;) {
		size_t want = (size_t)MIN(MAP_WORDS, (area->end - at) / VM_PAGE_SIZE);
		ssize_t got = pread(s->pagemap, words, want * sizeof *words,
		                    (off_t)(at / VM_PAGE_SIZE * sizeof *words));
		size_t count = got > 0 ? (size_t)got / sizeof *words : 0;
		if (vm_interrupted())
			return -EINTR;
		if (count == 0)
			return got < 0 ? -errno : 0;
		for (size_t i = 0, run; error == 0 && i < count; i += run) {
			run = 1;
			if (!(words[i] & PRESENT_OR_SWAPPED))
				continue;
			while (i + run < count && (words[i + run] & PRESENT_OR_SWAPPED))
				run++;
			uint64_t start = at + i * VM_PAGE_SIZE;
			error = copy_range(s, start, start + run * VM_PAGE_SIZE,
			                   offset + (start - area->start), true);
		}
		at += count * VM_PAGE_SIZE;
	}
	return error;
}

/* --- 2. Areas --------------------------------------------------------------------------------- */

static void forget_file(struct snapshot *s)
{
	if (s->file != NULL)
		vm_file_unref(s->file);
	s->file = NULL;
	g_clear_pointer(&s->name, g_free);
}

/* The file that AREA maps, called NAME, if the caller may open it and it is still that one. */
static struct vm_file *file_of(struct snapshot *s, const struct hostarea *area, const char *name)
{
	struct hostfile_context context = {s->mount, s->caller};
	int error;

	if (name[0] != '/')
		return NULL;
	if (s->name == NULL || strcmp(s->name, name) != 0) {
		forget_file(s);
		s->name = g_strdup(name);
		s->file = hostfile_open(&context, name, O_RDONLY, &error);
		if (s->file != NULL && fstat(vm_file_host(s->file), &s->status) != 0)
			forget_file(s);
	}
	bool same =
	    s->file != NULL && s->status.st_ino == area->ino && s->status.st_dev == area->dev;
	return same ? s->file : NULL;
}

/*
 * Copy the bytes of AREA, as far as that is needed. HAS_NAME: it is of a file. LABELLED: maps is to
 * show a name. *UNTOUCHED: it has none, and is memory like any other.
 */
static int copy_area(struct snapshot *s, const struct hostarea *area, bool has_name, bool labelled,
                     bool *untouched)
{
	/* The kernel's own pages are in no table until they are touched. */
	bool kernels = area->name_len > 2 && strncmp(area->name, "[v", 2) == 0;
	bool private_memory = !area->shared && !has_name && !kernels;
	uint64_t offset = s->end;
	bool own = s->mount->dev != 0 && area->dev == s->mount->dev;

	*untouched = private_memory && !labelled && !area->io && area->rss + area->swap == 0;
	if (*untouched || area->io || own)
		return 0;
	/* Whole pages in memory are known beforehand; others can only turn out to be there. */
	int error = vm_image_reserve(s->image, private_memory ? area->rss + area->swap
	                                                      : area->end - area->start);
	if (error != 0)
		return error;
	s->end += area->end - area->start;
	return private_memory ? copy_touched(s, area, offset)
	                      : copy_range(s, area->start, area->end, offset, false);
}

static int add_area(struct snapshot *s, const struct hostarea *area)
{
	g_autofree char *name = g_strndup(area->name, area->name_len);
	bool is_stack_or_heap = strcmp(name, "[heap]") == 0 || strcmp(name, "[stack]") == 0;
	bool has_name = name[0] == '/' || (area->ino != 0 && area->dev != 0);
	struct vm_file *file = file_of(s, area, name);
	bool own_pages = !area->shared && area->anonymous + area->swap > 0;
	bool untouched = false;
	struct vm_image_area *added = vm_image_add_area(s->image);

	if (added == NULL)
		return -ENOMEM;
	*added = (struct vm_image_area){.start = area->start,
	                                .end = area->end,
	                                .prot = area->prot,
	                                .shared = area->shared,
	                                .offset = area->offset,
	                                .dev = area->dev,
	                                .ino = area->ino};
	if (name[0] != '\0' && !is_stack_or_heap)
		added->name = g_strdup(name);
	if (strcmp(name, "[heap]") == 0)
		s->image->layout.brk = MAX(s->image->layout.brk, area->end);
	if (file != NULL && s->exe != NULL && strcmp(name, s->exe) == 0 && s->image->exe == NULL)
		s->image->exe = vm_file_ref(file);
	if (file != NULL && !own_pages) {
		added->file = vm_file_ref(file);
		return 0;
	}
	/* The array may move. */
	size_t index = s->image->areas.len - 1;
	int error = copy_area(s, area, has_name, added->name != NULL, &untouched);
	ARRAY_AT(&s->image->areas, struct vm_image_area, index).untouched = untouched;
	return error;
}

/* Fill the image from what was opened. */
static int copy_process(struct snapshot *s)
{
	const char *text = s->smaps;
	struct hostarea area;
	int error = 0;

	read_layout(s);
	while (error == 0 && hostsmaps_next(&text, &area))
		if (area.start < VM_USER_END)
			error = add_area(s, &area);
	/* Pages behind the last one that was written are holes. */
	if (error == 0 && ftruncate(s->copy, (off_t)s->end) != 0)
		error = -errno;
	return error;
}

/* A file without a name for the copy. Returns a descriptor or a negative errno. */
static int open_copy(void)
{
	const char *tmpdir = g_getenv("TMPDIR");
	const char *dir = tmpdir != NULL && tmpdir[0] == '/' ? tmpdir : "/var/tmp";
	int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != ENOENT))
		return fd >= 0 ? fd : -errno;
	g_autofree char *path = g_build_filename(dir, "vasfs-snapshot-XXXXXX", NULL);
	fd = g_mkstemp_full(path, O_RDWR | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	unlink(path);
	return fd;
}

/* Make the image around the copy, whose descriptor the engine owns from now on. */
static int begin_image(struct snapshot *s)
{
	struct vm_file *file;
	int error;

	s->copy = open_copy();
	if (s->copy < 0)
		return s->copy;
	file = vm_file_new(s->mount->machine, s->copy, O_RDWR, s->caller->uid, &error);
	if (file == NULL)
		return error;
	vm_image_init(s->image, file);
	vm_file_unref(file);
	return 0;
}

int hostsnapshot_take(struct fs_mount *mount, const struct fs_caller *caller, pid_t pid,
                      struct vm_image *image)
{
	struct snapshot s = {.mount = mount, .caller = caller, .pid = pid, .image = image};

	*image = (struct vm_image){.source = NULL};
	s.mem = s.pagemap = -1;
	if (mount->proc_pids < 0)
		return -ESRCH;
	budget_open(mount->budget, caller->uid, &s.share);
	int error = begin_image(&s);
	if (error == 0)
		error =
		    (int)hostidentity_run(mount, caller, HOSTIDENTITY_ANY_UMASK, open_process, &s);
	if (error == 0)
		error = copy_process(&s);
	forget_file(&s);
	g_free(s.smaps);
	budget_close(&s.share);
	g_free(s.stat);
	g_free(s.exe);
	if (s.mem >= 0)
		close(s.mem);
	if (s.pagemap >= 0)
		close(s.pagemap);
	return error;
}
