/*
 * calls_socket.c - system calls on sockets. There are none here: each descriptor is something else.
 * It matters that the answer is exact: bash, for one, takes its standard input for a network
 * connection, and reads other files at its start, unless getpeername says ENOTSOCK.
 */
#include "fs/run/calls.h"

/* Linux: sockfd_lookup_light. */
static int64_t not_a_socket(struct call *call)
{
	struct vm_file *file = vm_process_file(call->process, (int)call->arg[0]);

	if (file == NULL)
		return -EBADF;
	vm_file_unref(file);
	return -ENOTSOCK;
}

#define NOT_A_SOCKET(number, name, format) \
	int64_t sys_##name(struct call *call) \
	{ \
		return not_a_socket(call); \
	}
CALLS_SOCKET(NOT_A_SOCKET)
