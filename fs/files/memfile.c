/*
 * memfile.c - PID/mem. A read is answered directly from the pinned frames, without a copy.
 */
#include "fs/files/memfile.h"

#include "fs/files/call.h"

#include "fs/text/render.h"

#include <errno.h>
#include <unistd.h>

static void reply_from_frames(void *ctx, const struct iovec *iov, int count)
{
	if (call_claim())
		fuse_reply_iov((fuse_req_t)ctx, iov, count);
}

static void memfile_read(fuse_req_t req, const struct fs_caller *caller, struct fs_handle *handle,
                         size_t size, off_t offset, int flags)
{
	uint64_t va = (uint64_t)offset;
	struct vm_process *process;
	ssize_t done;

	if (va >= VM_USER_END) {
		if (call_claim())
			fuse_reply_buf(req, NULL, 0);
		return;
	}
	/*
	 * vm_read sends the answer while it runs. Then the caller may close the file, and the
	 * reference in the handle is gone.
	 */
	process = vm_process_ref(handle->node.process);
	size = MIN(size, MIN(VM_MAX_TRANSFER, VM_USER_END - va));
	done = vm_read(process, va, size, reply_from_frames, req);
	if (done < 0 && call_claim())
		fuse_reply_err(req, (int)-done);
	vm_process_unref(process);
}

static void memfile_write(fuse_req_t req, const struct fs_caller *caller, struct fs_handle *handle,
                          const char *buf, size_t size, off_t offset)
{
	ssize_t done =
	    vm_write(handle->node.process, (uint64_t)offset, buf, MIN(size, VM_MAX_TRANSFER));

	if (!call_claim())
		return;
	if (done < 0)
		fuse_reply_err(req, (int)-done);
	else
		fuse_reply_write(req, (size_t)done);
}

/* Areas are data. As in every file, there is a hole at the end. */
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

static void memfile_stat(struct fs_mount *mount, const struct vm_process_info *info,
                         struct stat *st)
{
	/*
	 * hexdump -s, od -j and tail -c reach an address only below st_size. tar -S stores nothing
	 * of a file with 0 blocks.
	 */
	st->st_size = (off_t)VM_USER_END;
	st->st_blocks = (blkcnt_t)resident_pages(info) * (VM_PAGE_SIZE / 512);
}

const struct file_class memfile_class = {
    .read = memfile_read,
    .write = memfile_write,
    .seek = memfile_seek,
    .stat = memfile_stat,
    .slow = true,
    .cached = true,
};
