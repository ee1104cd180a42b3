/* What a memory card holds when the power goes: exactly what was synced, and nothing else.
 *
 * Loaded before the C library (LD_PRELOAD). After each fsync or fdatasync below the state folder it brings an
 * image beside it up to date:
 *   files/<inode>     the content of a file as it was when it was synced
 *   folders/<inode>   the entries of a folder as they were when the folder was synced: "f <inode> <name>\0",
 *                     d for a folder, s for a socket
 * A name counts only after its folder was synced (POSIX promises no more), a content only after its file was.
 * Every inode in the image is held open, so that no other file is ever given its number. The real disk is left
 * alone: the image is the card, and a thousand syncs of a test cost nobody else anything.
 *
 * Environment, read anew at every call, so that a forked child may change it:
 *   LOABAN_POWER_STATE, LOABAN_POWER_IMAGE   the two folders; without them nothing happens
 *   LOABAN_POWER_SLOW_MS                     how long each sync takes
 *   LOABAN_POWER_CUT_AT                      die at this sync, before it has taken place; counted from 1 since one
 *                                            of the two was set
 *   LOABAN_POWER_CUT_AFTER                   die at this sync, when it has taken place
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

typedef int (*sync_call)(int);

static pthread_mutex_t pen = PTHREAD_MUTEX_INITIALIZER;
static ino_t *held;
static size_t held_count, held_room;
static long syncs;

static void fail(const char *what) {
    fprintf(stderr, "power shim: %s: %s\n", what, strerror(errno));
    abort();
}

__attribute__((constructor)) static void allow_many_files(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static long number(const char *name) {
    const char *text = getenv(name);
    return text ? atol(text) : 0;
}

static int is_inside(int fd, const char *state) {
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    size_t prefix = strlen(state);
    return strncmp(path, state, prefix) == 0 && (path[prefix] == 0 || path[prefix] == '/');
}

static int is_held(ino_t inode) {
    for (size_t i = 0; i < held_count; i++)
        if (held[i] == inode) return 1;
    return 0;
}

/* Takes the handle over. */
static void hold(int handle, ino_t inode) {
    if (is_held(inode)) {
        close(handle);
        return;
    }
    if (held_count == held_room) {
        held_room = held_room ? 2 * held_room : 256;
        held = realloc(held, held_room * sizeof *held);
        if (!held) fail("memory");
    }
    held[held_count++] = inode;
}

static void write_all(int fd, const char *block, size_t count) {
    while (count) {
        ssize_t written = write(fd, block, count);
        if (written < 0) fail("image not written");
        block += written;
        count -= (size_t)written;
    }
}

static int begin_part(char *part, const char *image, const char *kind, ino_t inode) {
    snprintf(part, PATH_MAX, "%s/%s/%lu.part", image, kind, (unsigned long)inode);
    int out = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (out < 0) fail(part);
    return out;
}

static void end_part(int out, const char *part) {
    char whole[PATH_MAX];
    size_t length = strlen(part) - strlen(".part");
    memcpy(whole, part, length);
    whole[length] = 0;
    close(out);
    if (rename(part, whole) < 0) fail(whole);
}

/* Through the caller's own handle where it can be read: to close another one would drop its record locks. */
static void keep_file(int fd, const struct stat *found, const char *image) {
    char link[64], part[PATH_MAX];
    static char block[1 << 16];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    int readable = (fcntl(fd, F_GETFL) & O_ACCMODE) != O_WRONLY;
    int in = readable ? fd : open(link, O_RDONLY | O_CLOEXEC);
    if (in < 0) fail(link);
    int out = begin_part(part, image, "files", found->st_ino);
    off_t at = 0;
    ssize_t got;
    while ((got = pread(in, block, sizeof block, at)) > 0) {
        write_all(out, block, (size_t)got);
        at += got;
    }
    if (got < 0) fail("state not read");
    end_part(out, part);
    if (!readable) close(in);
    int handle = open(link, O_PATH | O_CLOEXEC);
    if (handle < 0) fail(link);
    hold(handle, found->st_ino);
}

static void keep_entry(DIR *folder, const char *name, int out) {
    struct stat found;
    char line[PATH_MAX];
    int handle = openat(dirfd(folder), name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (handle < 0 && errno == ENOENT) return;
    if (handle < 0 || fstat(handle, &found) < 0) fail(name);
    char kind = S_ISDIR(found.st_mode) ? 'd' : S_ISSOCK(found.st_mode) ? 's' : 'f';
    int length = snprintf(line, sizeof line, "%c %lu %s", kind, (unsigned long)found.st_ino, name);
    write_all(out, line, (size_t)length + 1);
    hold(handle, found.st_ino);
}

static void keep_folder(int fd, const struct stat *found, const char *image) {
    char part[PATH_MAX];
    int again = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = again < 0 ? NULL : fdopendir(again);
    if (!folder) fail("folder not read");
    int out = begin_part(part, image, "folders", found->st_ino);
    for (struct dirent *entry; (entry = readdir(folder));)
        if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..")) keep_entry(folder, entry->d_name, out);
    closedir(folder);
    end_part(out, part);
}

static void die(void) {
    kill(getpid(), SIGKILL);
    for (;;) pause();
}

static void keep(int fd, const char *image) {
    struct stat found;
    if (fstat(fd, &found) < 0) fail("not found");
    pthread_mutex_lock(&pen);
    long cut_at = number("LOABAN_POWER_CUT_AT"), cut_after = number("LOABAN_POWER_CUT_AFTER");
    if (cut_at || cut_after) syncs++;
    if (cut_at && cut_at == syncs) die();
    if (S_ISDIR(found.st_mode)) keep_folder(fd, &found, image);
    else keep_file(fd, &found, image);
    if (cut_after && cut_after == syncs) die();
    pthread_mutex_unlock(&pen);
}

static int sync_and_keep(const char *name, int fd) {
    sync_call real = (sync_call)dlsym(RTLD_NEXT, name);
    const char *state = getenv("LOABAN_POWER_STATE"), *image = getenv("LOABAN_POWER_IMAGE");
    if (!state || !image || !is_inside(fd, state)) return real(fd);
    long slow_ms = number("LOABAN_POWER_SLOW_MS");
    if (slow_ms) usleep((useconds_t)slow_ms * 1000);
    keep(fd, image);
    return 0;
}

int fsync(int fd) { return sync_and_keep("fsync", fd); }

int fdatasync(int fd) { return sync_and_keep("fdatasync", fd); }
