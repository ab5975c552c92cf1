/*
 * vasrun.h - `vasctl MOUNT run PROGRAM [ARG ...]`.
 */
#ifndef FS_VASRUN_H
#define FS_VASRUN_H

/*
 * Run WORDS, a program and its arguments, in the machine at MOUNT, with the environment and the
 * working directory of this process. Copy its console to standard output, and standard input to its
 * console, until it ends. Returns the status to exit with: that of the program; 128 and the number
 * of the signal that ended it; 127 if there is no such program; 126 if it cannot be run; 125 if
 * something else is in the way.
 */
int vasrun(const char *mount, char **words);

#endif
