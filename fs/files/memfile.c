/*
 * memfile.c - PID/mem. Reads are answered from the pinned frames themselves: nothing is copied on
 * the way.
 */
#include "fs/files/memfile.h"

#include "fs/text/render.h"

#include <errno.h>
#include <unistd.h>

static const size_t transfer_max =
    1 << 20; /* as much as vm_read and vm_write take; the kernel sends no more either */

static void reply_from_frames(void *ctx, const struct iovec *iov, int count)
{
	fuse_reply_iov((fuse_req_t)ctx, iov, count);
}

static void memfile_read(fuse_req_t req, struct fs_handle *handle, size_t size, off_t offset,
                         int flags)
{
	uint64_t va = (uint64_t)offset;
	struct vm_process *process;
	ssize_t done;

	if (va >= VM_USER_END) {
		fuse_reply_buf(req, NULL, 0);
		return;
	}
	/*
	 * The answer goes out in the middle of vm_read, and with it may go the handle's reference.
	 */
	process = vm_process_ref(handle->node.process);
	size = MIN(size, MIN(transfer_max, VM_USER_END - va));
	done = vm_read(process, va, size, reply_from_frames, req);
	if (done < 0)
		fuse_reply_err(req, (int)-done);
	vm_process_unref(process);
}

static void memfile_write(fuse_req_t req, struct fs_handle *handle, const char *buf, size_t size,
                          off_t offset)
{
	ssize_t done =
	    vm_write(handle->node.process, (uint64_t)offset, buf, MIN(size, transfer_max));

	if (done < 0)
		fuse_reply_err(req, (int)-done);
	else
		fuse_reply_write(req, (size_t)done);
}

/* Areas are the data; as in every file, a hole begins where it ends. */
static void memfile_seek(fuse_req_t req, struct fs_handle *handle, off_t offset, int whence)
{
	int64_t found =
	    vm_process_seek(handle->node.process, (uint64_t)offset, whence == SEEK_HOLE);

	if (found == -ENXIO && whence == SEEK_HOLE && (uint64_t)offset < VM_USER_END)
		found = (int64_t)VM_USER_END;
	if (found < 0)
		fuse_reply_err(req, (int)-found);
	else
		fuse_reply_lseek(req, found);
}

static void memfile_stat(const struct vm_process_info *info, struct stat *st)
{
	/*
	 * With size 0 hexdump -s, od -j and tail -c do not reach an address; with 0 blocks tar -S
	 * stores nothing.
	 */
	st->st_size = (off_t)VM_USER_END;
	st->st_blocks = (blkcnt_t)resident_pages(info) * (VM_PAGE_SIZE / 512);
}

const struct file_class memfile_class = {
    .read = memfile_read,
    .write = memfile_write,
    .seek = memfile_seek,
    .stat = memfile_stat,
};
