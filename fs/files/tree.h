/*
 * tree.h - the files of a mount: the table in tree.c, and the inode numbers that stand for its
 * nodes.
 *
 * A node is a row of the table in one process, or in the root. Its inode number contains all that
 * identifies it, so nothing is stored for nodes that the kernel knows. A number never gets another
 * meaning, because pids are not used again.
 *
 *      63            32 31             8 7        0
 *     +----------------+----------------+----------+
 *     | pid, 0: root   | index          | row + 1  |     the root directory is row 0, thus 1
 *     +----------------+----------------+----------+
 *
 * A slow file (file.h) has an inode for each lookup: the index is a number that was not used
 * lately. Programs see the number with index 0.
 *
 * To add a file, write its functions and add a row.
 */
#ifndef FS_FILES_TREE_H
#define FS_FILES_TREE_H

#include "fs/files/file.h"

/* Find the node that INO stands for. False if it no longer exists. Free it with tree_node_clear. */
bool tree_find(struct fs_mount *mount, fuse_ino_t ino, struct tree_node *node);

/*
 * Find what NAME means for CALLER in the directory DIR. False if there is no such file. Free the
 * node with tree_node_clear.
 */
bool tree_lookup(struct fs_mount *mount, const struct tree_node *dir, const char *name,
                 const struct fs_caller *caller, struct tree_node *node);

/*
 * The node of FILE in the directory DIR; NUMBER says which if FILE has numbers. The node need not
 * exist. No reference is taken.
 */
struct tree_node tree_child(const struct tree_node *dir, const struct tree_file *file, int number);

struct tree_node tree_node_copy(const struct tree_node *node);
void tree_node_clear(struct tree_node *node);

fuse_ino_t tree_ino(const struct tree_node *node);
/* The number that programs see for inode INO: tree_ino of its node. */
fuse_ino_t tree_shown_ino(fuse_ino_t ino);

/*
 * Fill in the attributes of a node. Its process may have ended. Sizes that have to be measured are
 * SIZE_UNKNOWN.
 */
void tree_stat(struct fs_mount *mount, const struct tree_node *node, struct stat *st);

/* Set size and blocks of a file that has no holes. */
void tree_set_size(struct stat *st, off_t size);

/* How many seconds the attributes of a node stay valid. */
double tree_attr_timeout(const struct tree_node *node);

/* Fill in what a lookup of a node answers. */
void tree_entry(struct fs_mount *mount, const struct tree_node *node,
                struct fuse_entry_param *entry);

/* The row after PREVIOUS (NULL: before the first) in the directory DIR. NULL after the last. */
const struct tree_file *tree_next(const struct tree_file *dir, const struct tree_file *previous);

/* The directory that DIR is in; for the root, the root. No reference is taken. */
struct tree_node tree_parent(const struct tree_node *dir);

#endif
