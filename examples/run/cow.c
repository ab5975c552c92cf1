/* cow.c - a parent and a child that share pages until one of them stores. */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void)
{
	char *page =
	    mmap((void *)0x10000000, 4096, PROT_READ | PROT_WRITE,
	         MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char line[16];

	strcpy(page, "what the parent wrote");
	printf("before the fork: %s\n", page);
	fflush(stdout);
	if (fork() == 0) {
		/* Wait for Enter, store, wait again. */
		(void)!read(STDIN_FILENO, line, sizeof(line));
		strcpy(page, "what the child wrote");
		printf("the child: %s\n", page);
		fflush(stdout);
		(void)!read(STDIN_FILENO, line, sizeof(line));
		return 0;
	}
	wait(NULL);
	printf("the parent: %s\n", page);
	return 0;
}
