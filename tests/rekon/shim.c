/* Stands between the program and libc, by LD_PRELOAD, so that a test can stop the program at any system call, break any
 * of its calls, fill its disk, move its clock, and write down everything that it did. The program itself has no hook.
 *
 * Between two system calls nothing that a process does can be seen from outside: a process that is killed at each of its
 * system calls has been killed in every state that can be told apart.
 *
 *   SHIM_ROOT     only files below this folder (an absolute path without links) count, and TCP sockets
 *   SHIM_PLAN     steps, separated by ';', each waiting for the one before it:
 *                     ACTION WHEN CALL N PATTERN        kill before sync 3 journal.db-wal
 *                 ACTION   pass (do nothing: the next step may begin), kill, stop (SIGSTOP), int (SIGINT), eio, enospc, erofs
 *                 WHEN     before; half (does half of it, then acts; writes only); after (counts what succeeded)
 *                 CALL     open write sync truncate rename unlink mkdir connect send recv wake any
 *                 N        the how manieth matching call; with a '+', every one from there on
 *                 PATTERN  files: how the path ends; sockets: text within the bytes; '-' is everything
 *   SHIM_SYNC     microseconds that a sync takes, and then does nothing: what a kill leaves does not depend on it
 *   SHIM_TRACE    file to which everything is appended in its order (struct record)
 *   SHIM_KINDS    only these kinds of records, if it is set
 *   SHIM_CONTROL  file with a struct control, shared with the test while the program runs
 *
 * `wake` is a send on a socket within the program: the first thing that its signal handler does. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum call { OPEN, WRITE, SYNC, TRUNCATE, RENAME, UNLINK, MKDIR, CONNECT, SEND, RECV, WAKE, ANY };
enum when { BEFORE, HALF, AFTER };
enum action { PASS, KILL, STOP, INT, EIO_, ENOSPC_, EROFS_ };
static const char *const CALLS[] = {"open", "write", "sync", "truncate", "rename", "unlink", "mkdir", "connect", "send", "recv", "wake", "any"};
static const char *const WHENS[] = {"before", "half", "after"};
static const char *const ACTIONS[] = {"pass", "kill", "stop", "int", "eio", "enospc", "erofs"};

struct step { enum action action; enum when when; enum call call; long n; int forever; char pattern[64]; };
static struct step steps[16];
static int step_count, current;
static long seen;

/* What the test and the program share. `room` is how many bytes still fit on the disk; negative: any number. */
struct control { int64_t clock_offset, room, calls; };
static struct control own = {0, -1, 0};
static struct control *control = &own;

/* One event of the trace; the path and the data follow. Kinds: O created, W wrote, B sync begins, S sync has ended,
 * T truncated, R renamed (data: to), U unlinked, M folder made, C connects, P sent, E received, X failed on purpose (data: how). */
struct record { char kind; char unused[3]; uint32_t thread; int64_t offset; uint32_t path_length, data_length; };

/* How much of each file has been paid for from `room`. */
static struct paid { dev_t device; ino_t inode; int64_t bytes; } paid[256];
static int paid_count;

static char root[512];
static size_t root_length;
static int trace = -1;
static const char *kinds;
static long sync_microseconds = -1;
/* One lock around each call: the trace has one order. The signal handler may call while its thread holds it. */
static pthread_mutex_t lock = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;

static int index_of(const char *word, const char *const *words, int count) {
    for (int i = 0; i < count; i++)
        if (!strcmp(word, words[i])) return i;
    dprintf(2, "shim: %s is no word of a plan\n", word);
    _exit(99);
}

__attribute__((constructor)) static void begin(void) {
    const char *text = getenv("SHIM_ROOT");
    if (text) root_length = (size_t)snprintf(root, sizeof root, "%s/", text);
    if ((text = getenv("SHIM_SYNC"))) sync_microseconds = atol(text);
    kinds = getenv("SHIM_KINDS");
    if ((text = getenv("SHIM_TRACE"))) {
        /* Far from the numbers that the program gets. */
        int fd = (int)syscall(SYS_openat, AT_FDCWD, text, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        trace = fcntl(fd, F_DUPFD_CLOEXEC, 900);
        syscall(SYS_close, fd);
    }
    if ((text = getenv("SHIM_CONTROL"))) {
        int fd = (int)syscall(SYS_openat, AT_FDCWD, text, O_RDWR | O_CLOEXEC, 0);
        void *shared = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (shared != MAP_FAILED) control = shared;
        syscall(SYS_close, fd);
    }
    char *plan = getenv("SHIM_PLAN") ? strdup(getenv("SHIM_PLAN")) : NULL, *rest = NULL;
    for (char *part = plan ? strtok_r(plan, ";", &rest) : NULL; part; part = strtok_r(NULL, ";", &rest)) {
        char action[16], when[16], call[16], n[16];
        struct step *step = &steps[step_count++];
        if (step_count > 16 || sscanf(part, " %15s %15s %15s %15s %63s", action, when, call, n, step->pattern) != 5) {
            dprintf(2, "shim: not a step: %s\n", part);
            _exit(99);
        }
        step->action = index_of(action, ACTIONS, 7);
        step->when = index_of(when, WHENS, 3);
        step->call = index_of(call, CALLS, 12);
        step->n = atol(n);
        step->forever = strchr(n, '+') != NULL;
        if (!strcmp(step->pattern, "-")) step->pattern[0] = 0;
    }
}

static int fits(const struct step *step, enum call call, const char *subject, size_t length) {
    size_t wanted = strlen(step->pattern);
    if (step->call != call && (step->call != ANY || call == WAKE)) return 0;
    if (call >= CONNECT) return memmem(subject, length, step->pattern, wanted) != NULL;
    return length >= wanted && !memcmp(subject + length - wanted, step->pattern, wanted);
}

/* Asks the plan. 0: go on; -1: do half of it and ask again; else the error that the call ends with. */
static int ask(enum when when, enum call call, const char *subject, size_t length) {
    if (when == BEFORE && call != WAKE) control->calls++;
    while (current < step_count) {
        struct step *step = &steps[current];
        int half = step->when == HALF && when == BEFORE;
        if (!(step->when == when || half) || !fits(step, call, subject, length)) return 0;
        if (++seen < step->n) return 0;
        if (half && call != WRITE && call != SEND) half = 0;
        if (half) { seen--; return -1; }
        if (!step->forever) { current++; seen = 0; }
        switch (step->action) {
        case KILL: kill(getpid(), SIGKILL); for (;;) pause();
        case STOP: raise(SIGSTOP); return 0;
        case INT: raise(SIGINT); return 0;
        case EIO_: return EIO;
        case ENOSPC_: return ENOSPC;
        case EROFS_: return EROFS;
        case PASS: return 0;
        }
    }
    return 0;
}

static void note(char kind, int64_t offset, const char *path, const void *data, size_t length) {
    if (trace < 0 || (kinds && !strchr(kinds, kind))) return;
    size_t path_length = strlen(path);
    struct record head = {kind, {0}, (uint32_t)syscall(SYS_gettid), offset, (uint32_t)path_length, (uint32_t)length};
    char *all = malloc(sizeof head + path_length + length);
    memcpy(all, &head, sizeof head);
    memcpy(all + sizeof head, path, path_length);
    memcpy(all + sizeof head + path_length, data, length);
    syscall(SYS_write, trace, all, sizeof head + path_length + length);
    free(all);
}

/* Below the folder, or the folder itself. */
static int is_below(const char *path) {
    return root_length && (!strncmp(path, root, root_length) || (strlen(path) + 1 == root_length && !strncmp(path, root, root_length - 1)));
}

/* The path of an open file if it counts; a socket is SEND or WAKE; everything else is -1. */
static int about(int fd, char *path, size_t size) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    int before = errno;
    ssize_t length = readlink(link, path, size - 1);
    errno = before;
    if (length < 0) return -1;
    path[length] = 0;
    if (!strncmp(path, "socket:", 7)) {
        struct sockaddr_storage address;
        socklen_t space = sizeof address;
        if (getsockname(fd, (struct sockaddr *)&address, &space)) return -1;
        return address.ss_family == AF_UNIX ? WAKE : SEND;
    }
    return is_below(path) ? WRITE : -1;
}

/* Whether a path counts; relative ones are completed. */
static int counts(const char *path, char *whole, size_t size) {
    char here[512];
    if (*path == '/') snprintf(whole, size, "%s", path);
    else if (getcwd(here, sizeof here)) snprintf(whole, size, "%s/%s", here, path);
    else return 0;
    return is_below(whole);
}

static struct paid *paid_for(const struct stat *file) {
    for (int i = 0; i < paid_count; i++)
        if (paid[i].device == file->st_dev && paid[i].inode == file->st_ino) return &paid[i];
    if (paid_count == 256) paid_count = 0;
    paid[paid_count] = (struct paid){file->st_dev, file->st_ino, file->st_size};
    return &paid[paid_count++];
}

static void give_back(const struct stat *file, int64_t keep) {
    struct paid *entry = paid_for(file);
    if (entry->bytes <= keep) return;
    if (control->room >= 0) control->room += entry->bytes - keep;
    entry->bytes = keep;
}

/* How many of these bytes fit on the disk. What a hole spares is paid for as well: nobody counts on holes. */
static size_t that_fit(int fd, int64_t offset, size_t length) {
    struct stat file;
    if (control->room < 0 || fstat(fd, &file)) return length;
    struct paid *entry = paid_for(&file);
    int64_t growth = offset + (int64_t)length - entry->bytes;
    if (growth <= 0) return length;
    int64_t missing = growth > control->room ? growth - control->room : 0;
    if (missing >= (int64_t)length) return 0;
    control->room -= growth - missing;
    entry->bytes += growth - missing;
    return length - (size_t)missing;
}

static ssize_t fail(enum call call, const char *path, int error) {
    note('X', 0, path, CALLS[call], strlen(CALLS[call]));
    pthread_mutex_unlock(&lock);
    errno = error;
    return -1;
}

/* Every way to write: to a file at an offset (-1: where it stands), or to a socket. */
static ssize_t put(int fd, const void *data, size_t length, int64_t offset, int flags) {
    char path[1024];
    int kind = about(fd, path, sizeof path);
    if (kind < 0 || fd == trace)
        return offset < 0 ? syscall(SYS_write, fd, data, length) : syscall(SYS_pwrite64, fd, data, length, offset);
    pthread_mutex_lock(&lock);
    int is_file = kind == WRITE;
    const char *subject = is_file ? path : data;
    size_t subject_length = is_file ? strlen(path) : length;
    int64_t place = offset;
    if (is_file && offset < 0) {
        struct stat file;
        int appends = fcntl(fd, F_GETFL) & O_APPEND;
        place = appends && !fstat(fd, &file) ? file.st_size : lseek(fd, 0, SEEK_CUR);
    }
    int answer = ask(BEFORE, kind, subject, subject_length);
    if (answer > 0) return fail(kind, is_file ? path : "", answer);
    size_t count = answer < 0 ? length / 2 : length;
    if (is_file && count > 0 && (count = that_fit(fd, place, count)) == 0) return fail(kind, path, ENOSPC);
    ssize_t done = !is_file     ? syscall(SYS_sendto, fd, data, count, flags, NULL, 0)
                   : offset < 0 ? syscall(SYS_write, fd, data, count)
                                : syscall(SYS_pwrite64, fd, data, count, offset);
    int error = errno;
    /* Nothing that is looked at again is written a mebibyte at a time. */
    if (done >= 0 && done < 1 << 20 && kind != WAKE)
        note(is_file ? 'W' : 'P', is_file ? place : 0, is_file ? path : "", data, (size_t)done);
    if (answer < 0) ask(HALF, kind, subject, subject_length);
    if (done >= 0) ask(AFTER, kind, subject, subject_length);
    pthread_mutex_unlock(&lock);
    errno = error;
    return done;
}

ssize_t write(int fd, const void *data, size_t length) { return put(fd, data, length, -1, 0); }
ssize_t pwrite(int fd, const void *data, size_t length, off_t offset) { return put(fd, data, length, offset, 0); }
ssize_t pwrite64(int fd, const void *data, size_t length, off64_t offset) { return put(fd, data, length, offset, 0); }
ssize_t send(int fd, const void *data, size_t length, int flags) { return put(fd, data, length, -1, flags); }

ssize_t writev(int fd, const struct iovec *parts, int count) {
    char path[1024];
    if (about(fd, path, sizeof path) < 0) return syscall(SYS_writev, fd, parts, count);
    size_t length = 0;
    for (int i = 0; i < count; i++) length += parts[i].iov_len;
    char *all = malloc(length + 1), *end = all;
    for (int i = 0; i < count; i++) end = mempcpy(end, parts[i].iov_base, parts[i].iov_len);
    ssize_t done = put(fd, all, length, -1, 0);
    int error = errno;
    free(all);
    errno = error;
    return done;
}

ssize_t recv(int fd, void *data, size_t length, int flags) {
    char path[64];
    if (about(fd, path, sizeof path) != SEND) return syscall(SYS_recvfrom, fd, data, length, flags, NULL, NULL);
    pthread_mutex_lock(&lock);
    int answer = ask(BEFORE, RECV, "", 0);
    if (answer > 0) return fail(RECV, "", answer);
    ssize_t done = syscall(SYS_recvfrom, fd, data, length, flags, NULL, NULL);
    int error = errno;
    if (done > 0) {
        note('E', 0, "", data, (size_t)done);
        ask(AFTER, RECV, data, (size_t)done);
    }
    pthread_mutex_unlock(&lock);
    errno = error;
    return done;
}

int connect(int fd, const struct sockaddr *address, socklen_t length) {
    if (address->sa_family == AF_UNIX) return (int)syscall(SYS_connect, fd, address, length);
    pthread_mutex_lock(&lock);
    int answer = ask(BEFORE, CONNECT, "", 0);
    if (answer > 0) return (int)fail(CONNECT, "", answer);
    int done = (int)syscall(SYS_connect, fd, address, length), error = errno;
    note('C', 0, "", "", 0);
    ask(AFTER, CONNECT, "", 0);
    pthread_mutex_unlock(&lock);
    errno = error;
    return done;
}

int fsync(int fd) {
    char path[1024];
    if (about(fd, path, sizeof path) != WRITE) return (int)syscall(SYS_fsync, fd);
    pthread_mutex_lock(&lock);
    int answer = ask(BEFORE, SYNC, path, strlen(path));
    if (answer > 0) return (int)fail(SYNC, path, answer);
    note('B', 0, path, "", 0);
    pthread_mutex_unlock(&lock);
    /* Without the lock: what others do meanwhile is not covered, and must be seen to come before the end. */
    int done = 0;
    if (sync_microseconds < 0) done = (int)syscall(SYS_fsync, fd);
    else if (sync_microseconds > 0) usleep((useconds_t)sync_microseconds);
    pthread_mutex_lock(&lock);
    if (done == 0) note('S', 0, path, "", 0);
    ask(AFTER, SYNC, path, strlen(path));
    pthread_mutex_unlock(&lock);
    return done;
}
int fdatasync(int fd) { return fsync(fd); }

int ftruncate(int fd, off_t length) {
    char path[1024];
    if (about(fd, path, sizeof path) != WRITE) return (int)syscall(SYS_ftruncate, fd, length);
    pthread_mutex_lock(&lock);
    int answer = ask(BEFORE, TRUNCATE, path, strlen(path));
    if (answer > 0) return (int)fail(TRUNCATE, path, answer);
    struct stat file;
    int known = !fstat(fd, &file), done = (int)syscall(SYS_ftruncate, fd, length), error = errno;
    if (done == 0) {
        if (known) give_back(&file, length);
        note('T', length, path, "", 0);
        ask(AFTER, TRUNCATE, path, strlen(path));
    }
    pthread_mutex_unlock(&lock);
    errno = error;
    return done;
}
int ftruncate64(int fd, off64_t length) { return ftruncate(fd, length); }

/* The calls that change a folder; `to` is for a rename. */
static int in_folder(enum call call, const char *path, const char *to, mode_t mode) {
    char whole[1024], other[1024] = "";
    int does_count = counts(path, whole, sizeof whole);
    if (to) counts(to, other, sizeof other);
    if (does_count) {
        pthread_mutex_lock(&lock);
        const char *subject = to ? other : whole;
        int answer = ask(BEFORE, call, subject, strlen(subject));
        if (answer > 0) return (int)fail(call, subject, answer);
    }
    struct stat file;
    int known = call == UNLINK && does_count && !stat(path, &file);
    int done = (int)(call == RENAME   ? syscall(SYS_renameat2, AT_FDCWD, path, AT_FDCWD, to, 0)
                     : call == UNLINK ? syscall(SYS_unlinkat, AT_FDCWD, path, 0)
                                      : syscall(SYS_mkdirat, AT_FDCWD, path, mode));
    int error = errno;
    if (does_count) {
        if (done == 0) {
            if (known && file.st_nlink == 1) give_back(&file, 0);
            note(call == RENAME ? 'R' : call == UNLINK ? 'U' : 'M', 0, whole, other, strlen(other));
            ask(AFTER, call, to ? other : whole, strlen(to ? other : whole));
        }
        pthread_mutex_unlock(&lock);
    }
    errno = error;
    return done;
}
int rename(const char *from, const char *to) { return in_folder(RENAME, from, to, 0); }
int unlink(const char *path) { return in_folder(UNLINK, path, NULL, 0); }
int mkdir(const char *path, mode_t mode) { return in_folder(MKDIR, path, NULL, mode); }

int open(const char *path, int flags, ...) {
    mode_t mode = 0;
    if (flags & (O_CREAT | O_TMPFILE)) {
        va_list rest;
        va_start(rest, flags);
        mode = va_arg(rest, mode_t);
        va_end(rest);
    }
    char whole[1024];
    if (!counts(path, whole, sizeof whole)) return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
    pthread_mutex_lock(&lock);
    int answer = ask(BEFORE, OPEN, whole, strlen(whole));
    if (answer > 0) return (int)fail(OPEN, whole, answer);
    struct stat file;
    int was_there = !stat(path, &file);
    int fd = (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode), error = errno;
    if (fd >= 0) {
        if (!was_there) note('O', 0, whole, "", 0);
        if (was_there && flags & O_TRUNC) {
            give_back(&file, 0);
            note('T', 0, whole, "", 0);
        }
        ask(AFTER, OPEN, whole, strlen(whole));
    }
    pthread_mutex_unlock(&lock);
    errno = error;
    return fd;
}
int open64(const char *path, int flags, ...) {
    mode_t mode = 0;
    if (flags & (O_CREAT | O_TMPFILE)) {
        va_list rest;
        va_start(rest, flags);
        mode = va_arg(rest, mode_t);
        va_end(rest);
    }
    return open(path, flags, mode);
}

int clock_gettime(clockid_t clock, struct timespec *time) {
    int done = (int)syscall(SYS_clock_gettime, clock, time);
    if (done == 0 && clock == CLOCK_REALTIME) time->tv_sec += control->clock_offset;
    return done;
}
