/*
 * calls_rw.c - system calls that move bytes between files and memory.
 *
 * One call moves MOST_BYTES at most, and its result says so: programs go on with the rest.
 */
#include "fs/run/calls.h"
#include "fs/run/kind.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { MOST_BYTES = 1 << 20 };

/* Where the bytes of a call are. */
struct vector {
	struct iovec *parts;
	size_t count;
	size_t total; /* MOST_BYTES at most */
};

/* A transfer with the offset of the file itself. */
#define OWN_OFFSET INT64_MIN

/* --- Memory ----------------------------------------------------------------------------------- */

/* One part: LEN bytes at VA. */
static int vector_one(struct iovec *part, uint64_t va, uint64_t len, struct vector *vector)
{
	if (len > INT64_MAX)
		return -EINVAL;
	*part = (struct iovec){(void *)va, len};
	*vector = (struct vector){part, 1, MIN(len, MOST_BYTES)};
	return 0;
}

/* The COUNT parts of the array at VA. -EINVAL, -EFAULT. Free vector->parts. */
static int vector_get(struct call *call, uint64_t va, uint64_t count, struct vector *vector)
{
	uint64_t total = 0;

	if (count > IOV_MAX)
		return -EINVAL;
	*vector = (struct vector){g_new(struct iovec, count), count, 0};
	int error = call_get(call, va, vector->parts, count * sizeof *vector->parts);
	for (size_t i = 0; error == 0 && i < count; i++) {
		size_t len = vector->parts[i].iov_len;
		if (len > INT64_MAX || len > INT64_MAX - total)
			error = -EINVAL;
		else
			total += len;
	}
	vector->total = MIN(total, MOST_BYTES);
	if (error != 0)
		g_free(vector->parts);
	return error;
}

/* Copy LEN bytes between BUF and VECTOR. How many, which is less where memory is missing. */
static size_t vector_copy(struct call *call, const struct vector *vector, uint8_t *buf, size_t len,
                          bool out)
{
	size_t done = 0;

	for (size_t i = 0; i < vector->count && done < len; i++) {
		size_t piece = MIN(vector->parts[i].iov_len, len - done);
		uint64_t va = (uint64_t)vector->parts[i].iov_base;
		if (piece == 0)
			continue;
		ssize_t n = out ? vm_copy_out(call->process, va, buf + done, piece)
		                : vm_copy_in(call->process, va, buf + done, piece);
		done += (size_t)MAX(n, 0);
		if (n < (ssize_t)piece)
			break;
	}
	return done;
}

/* --- Reading and writing ---------------------------------------------------------------------- */

/* Read from FILE into VECTOR. OFFSET has a meaning if the file is seekable. */
static int64_t read_vector(struct call *call, struct vm_file *file, const struct vector *vector,
                           uint64_t *offset)
{
	g_autofree uint8_t *buf = g_try_malloc(MAX(vector->total, 1));

	if (buf == NULL)
		return -ENOMEM;
	int64_t n = kind_of(file)->read(call, file, buf, vector->total, offset);
	if (n <= 0)
		return n;
	size_t done = vector_copy(call, vector, buf, (size_t)n, true);
	*offset += done;
	return done > 0 ? (int64_t)done : -EFAULT;
}

static int64_t write_vector(struct call *call, struct vm_file *file, const struct vector *vector,
                            uint64_t *offset)
{
	g_autofree uint8_t *buf = g_try_malloc(MAX(vector->total, 1));

	if (buf == NULL)
		return -ENOMEM;
	size_t len = vector_copy(call, vector, buf, vector->total, false);
	if (len == 0 && vector->total > 0)
		return -EFAULT;
	int64_t n = kind_of(file)->write(call, file, buf, len, offset);
	if (n > 0)
		*offset += (uint64_t)n;
	return n;
}

/*
 * Count a call that read or wrote RESULT bytes, or failed (add_rchar, inc_syscr). One that sleeps
 * is counted when it is made again.
 */
static void count_io(struct call *call, bool write, int64_t result)
{
	struct program_io *io = &call->program->io;

	if (result == CALL_SLEEPS || result == -ERESTARTSYS)
		return;
	__atomic_fetch_add(write ? &io->syscw : &io->syscr, 1, __ATOMIC_RELAXED);
	if (result > 0)
		__atomic_fetch_add(write ? &io->wchar : &io->rchar, (uint64_t)result,
		                   __ATOMIC_RELAXED);
}

/* Move the bytes of VECTOR, WRITE to FILE or from it. */
static int64_t move_file(struct call *call, struct vm_file *file, const struct vector *vector,
                         int64_t offset, bool write)
{
	int access = vm_file_access(file);
	bool own = offset == OWN_OFFSET && kind_of(file)->seekable;
	uint64_t at = own || offset == OWN_OFFSET ? 0 : (uint64_t)offset;

	if (kind_of(file)->path_only || access == (write ? O_RDONLY : O_WRONLY))
		return -EBADF;
	if (offset != OWN_OFFSET && !kind_of(file)->seekable)
		return -ESPIPE;
	if (own)
		at = vm_file_seek_begin(file);
	int64_t result =
	    write ? write_vector(call, file, vector, &at) : read_vector(call, file, vector, &at);
	if (own)
		vm_file_seek_end(file, at);
	count_io(call, write, result);
	return result;
}

static int64_t move(struct call *call, const struct vector *vector, int64_t offset, bool write)
{
	struct vm_file *file;

	if (offset != OWN_OFFSET && offset < 0)
		return -EINVAL;
	file = vm_process_file(call->process, (int)call->arg[0]);
	if (file == NULL)
		return -EBADF;
	int64_t result = move_file(call, file, vector, offset, write);
	vm_file_unref(file);
	return result;
}

/* The call with a buffer and its length. */
static int64_t move_one(struct call *call, int64_t offset, bool write)
{
	struct iovec part;
	struct vector vector;
	int error = vector_one(&part, call->arg[1], call->arg[2], &vector);

	return error != 0 ? error : move(call, &vector, offset, write);
}

/* The call with an array of buffers. */
static int64_t move_many(struct call *call, int64_t offset, bool write)
{
	struct vector vector;

	/* In Linux's order: the descriptor first. */
	if (vm_process_cloexec(call->process, (int)call->arg[0]) < 0)
		return -EBADF;
	int64_t result = vector_get(call, call->arg[1], call->arg[2], &vector);
	if (result < 0)
		return result;
	result = move(call, &vector, offset, write);
	g_free(vector.parts);
	return result;
}

int64_t sys_read(struct call *call)
{
	return move_one(call, OWN_OFFSET, false);
}

int64_t sys_write(struct call *call)
{
	return move_one(call, OWN_OFFSET, true);
}

/* OFFSET of a call that names one. */
static int64_t named(uint64_t offset)
{
	/* A negative one is an error, and this is no other meaning. */
	return offset > INT64_MAX ? -1 : (int64_t)offset;
}

int64_t sys_pread64(struct call *call)
{
	return move_one(call, named(call->arg[3]), false);
}

int64_t sys_pwrite64(struct call *call)
{
	return move_one(call, named(call->arg[3]), true);
}

int64_t sys_readv(struct call *call)
{
	return move_many(call, OWN_OFFSET, false);
}

int64_t sys_writev(struct call *call)
{
	return move_many(call, OWN_OFFSET, true);
}

int64_t sys_preadv(struct call *call)
{
	return move_many(call, named(call->arg[3]), false);
}

int64_t sys_pwritev(struct call *call)
{
	return move_many(call, named(call->arg[3]), true);
}

/* --- Offsets and directories ------------------------------------------------------------------ */

int64_t sys_lseek(struct call *call)
{
	struct vm_file *file = vm_process_file(call->process, (int)call->arg[0]);
	int64_t result = -EBADF;
	unsigned whence = (unsigned)call->arg[2];

	if (file == NULL)
		return -EBADF;
	if (!kind_of(file)->path_only)
		result = whence > SEEK_HOLE
		             ? -EINVAL
		             : kind_of(file)->seek(file, (int64_t)call->arg[1], (int)whence);
	vm_file_unref(file);
	return result;
}

enum { MOST_ENTRIES = 64 * 1024 }; /* bytes of directory entries that one call returns */

/* Read entries of the directory FD into the program's memory. */
static int64_t read_entries(struct call *call, int fd)
{
	size_t len = MIN((unsigned)call->arg[2], MOST_ENTRIES);
	g_autofree void *buf = g_malloc(MAX(len, 1));
	off_t before = lseek(fd, 0, SEEK_CUR);
	long n = syscall(SYS_getdents64, fd, buf, len);

	if (n < 0)
		return -errno;
	if (call_put(call, call->arg[1], buf, (size_t)n) == 0)
		return n;
	lseek(fd, before, SEEK_SET);
	return -EFAULT;
}

int64_t sys_getdents64(struct call *call)
{
	struct vm_file *file = vm_process_file(call->process, (int)call->arg[0]);
	int64_t result = -ENOTDIR;

	if (file == NULL)
		return -EBADF;
	if (kind_of(file)->path_only)
		result = -EBADF;
	else if (kind_special(file, &kind_directory) != NULL) {
		/* The offset is the host descriptor's: one call at a time. */
		uint64_t none = vm_file_seek_begin(file);
		result = read_entries(call, kind_host(file));
		vm_file_seek_end(file, none);
	}
	vm_file_unref(file);
	return result;
}

/* --- From file to file ------------------------------------------------------------------------ */

/* One side of a copy: the file, and the address of its offset, or 0: the file's own. */
struct side {
	struct vm_file *file;
	uint64_t va;
	uint64_t offset;
};

static int side_begin(struct call *call, struct side *side)
{
	int error = 0;

	if (side->va == 0)
		side->offset = vm_file_seek_begin(side->file);
	else
		error = call_get(call, side->va, &side->offset, sizeof side->offset);
	return error == 0 && side->offset > INT64_MAX ? -EINVAL : error;
}

/* The copy is over. If the offset cannot be stored in memory, it was made all the same. */
static int side_end(struct call *call, struct side *side, bool begun)
{
	if (side->va == 0)
		vm_file_seek_end(side->file, side->offset);
	else if (begun)
		return call_put(call, side->va, &side->offset, sizeof side->offset);
	return 0;
}

static int64_t copy_bytes(struct side *in, struct side *out, size_t len)
{
	g_autofree uint8_t *buf = g_try_malloc(MAX(len, 1));

	if (buf == NULL)
		return -ENOMEM;
	int64_t n = vm_file_read(in->file, buf, len, in->offset);
	if (n > 0)
		n = vm_file_write(out->file, buf, (size_t)n, &out->offset, false);
	if (n > 0) {
		in->offset += (uint64_t)n;
		out->offset += (uint64_t)n;
	}
	return n;
}

/*
 * Copy up to LEN bytes. Both must be regular files: -EINVAL, after which programs read and write.
 * Two files that share their offset cannot both be at it.
 */
static int64_t copy(struct call *call, struct side *in, struct side *out, uint64_t len)
{
	int64_t result = -EINVAL;

	if (in->file == NULL || out->file == NULL)
		return -EBADF;
	if (kind_of(in->file) != &kind_regular || kind_of(out->file) != &kind_regular ||
	    in->file == out->file)
		return -EINVAL;
	if (vm_file_access(in->file) == O_WRONLY || vm_file_access(out->file) == O_RDONLY ||
	    (vm_file_flags(out->file) & O_APPEND))
		return -EBADF;
	/* In the order of their addresses, so that no two calls wait for each other. */
	struct side *first = in->file < out->file ? in : out, *second = first == in ? out : in;
	int error = side_begin(call, first), other = side_begin(call, second);
	if (error == 0 && other == 0)
		result = copy_bytes(in, out, MIN(len, MOST_BYTES));
	count_io(call, false, result);
	count_io(call, true, result);
	int put = side_end(call, second, result > 0), also = side_end(call, first, result > 0);
	if (error != 0 || other != 0)
		return error != 0 ? error : other;
	return put != 0 ? put : also != 0 ? also : result;
}

static int64_t copy_between(struct call *call, int in_fd, uint64_t in_va, int out_fd,
                            uint64_t out_va, uint64_t len)
{
	struct side in = {vm_process_file(call->process, in_fd), in_va, 0};
	struct side out = {vm_process_file(call->process, out_fd), out_va, 0};
	int64_t result = copy(call, &in, &out, len);

	if (in.file != NULL)
		vm_file_unref(in.file);
	if (out.file != NULL)
		vm_file_unref(out.file);
	return result;
}

int64_t sys_sendfile(struct call *call)
{
	return copy_between(call, (int)call->arg[1], call->arg[2], (int)call->arg[0], 0,
	                    call->arg[3]);
}

int64_t sys_copy_file_range(struct call *call)
{
	if (call->arg[5] != 0)
		return -EINVAL;
	return copy_between(call, (int)call->arg[0], call->arg[1], (int)call->arg[2], call->arg[3],
	                    call->arg[4]);
}

/* Nothing is moved within the kernel: programs read and write instead. */
int64_t sys_splice(struct call *call)
{
	return -EINVAL;
}
