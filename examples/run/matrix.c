/* matrix.c - adds up an array of 512 rows, each of a page, by row or by column. */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

enum { ROWS = 512, COLUMNS = 4096, STEP = 512 };

int main(int argc, char **argv)
{
	unsigned char(*array)[COLUMNS] = mmap(
	    (void *)0x10000000, ROWS * COLUMNS, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned long sum = 0;

	for (int row = 0; row < ROWS; row++)
		memset(array[row], row, COLUMNS);
	if (strcmp(argv[argc - 1], "row") == 0) {
		for (int row = 0; row < ROWS; row++)
			for (int column = 0; column < COLUMNS;
			     column += STEP)
				sum += array[row][column];
	} else {
		for (int column = 0; column < COLUMNS; column += STEP)
			for (int row = 0; row < ROWS; row++)
				sum += array[row][column];
	}
	printf("%lu\n", sum);
	return 0;
}
