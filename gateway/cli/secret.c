#include "cli/secret.h"

#include "base/digest_scrypt.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

/* A line without its end; false: nothing came, or it is too long. */
static bool read_line(struct bd_buf *out, FILE *file)
{
	int c;

	while ((c = getc(file)) != EOF && c != '\n') {
		if (bd_buf_add_byte(out, (char)c) != BD_OK) {
			return false;
		}
	}
	if (out->len > 0 && out->ptr[out->len - 1] == '\r') {
		out->len--;
	}
	return out->len > 0;
}

static bool read_file(struct bd_buf *out, const struct bd_cli_options *options, const char *path)
{
	FILE *file = fopen(path, "re");
	struct stat status;
	bool is_good = false;

	if (file == NULL) {
		fprintf(stderr, "bidui: %s: ", path);
		perror(bd_cli_say(options, "无法读取", "cannot be read"));
		return false;
	}
	if (fstat(fileno(file), &status) != 0 ||
		(S_ISREG(status.st_mode) && (status.st_mode & (S_IRWXG | S_IRWXO)) != 0)) {
		bd_cli_notice(options, "密码文件可被他人读取：chmod 600",
			"others can read the file of the password: chmod 600");
	} else {
		is_good = read_line(out, file);
	}
	fclose(file);
	return is_good;
}

static bool type(struct bd_buf *out, const char *prompt)
{
	struct termios before, quiet;
	bool is_good;

	if (tcgetattr(STDIN_FILENO, &before) != 0) {
		return false;
	}
	quiet = before;
	quiet.c_lflag &= ~(tcflag_t)ECHO;
	fputs(prompt, stderr);
	fflush(stderr);
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
	is_good = read_line(out, stdin);
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
	fputc('\n', stderr);
	return is_good;
}

static bool type_twice(struct bd_buf *out, const struct bd_cli_options *options)
{
	char room[BD_PASSWORD_MAX_BYTES];
	struct bd_buf again = { room, 0, sizeof(room), sizeof(room) };
	bool is_good = type(out, bd_cli_say(options, "新密码：", "new password: ")) &&
		       type(&again, bd_cli_say(options, "再次输入：", "again: "));
	bool is_same = is_good && bd_bytes_equal(bd_buf_bytes(out), bd_buf_bytes(&again));

	if (is_good && !is_same) {
		bd_cli_notice(options, "两次输入不同", "they differ");
	}
	bd_wipe(room, sizeof(room));
	return is_same;
}

static size_t count_chars(const struct bd_buf *text)
{
	size_t count = 0;

	for (size_t i = 0; i < text->len; i++) {
		count += ((unsigned char)text->ptr[i] & 0xC0) != 0x80;
	}
	return count;
}

bool bd_cli_password(struct bd_buf *out, const struct bd_cli_options *options, bool is_new)
{
	bool is_good;

	/* At once as large as it may become: what is moved would leave a copy. */
	if (bd_buf_reserve(out, BD_PASSWORD_MAX_BYTES) != BD_OK) {
		return false;
	}
	if (options->password_file != NULL) {
		is_good = read_file(out, options, options->password_file);
	} else if (!isatty(STDIN_FILENO)) {
		is_good = read_line(out, stdin);
	} else {
		is_good = is_new ? type_twice(out, options)
				 : type(out, bd_cli_say(options, "密码：", "password: "));
	}
	if (is_good && is_new && count_chars(out) < BD_PASSWORD_MIN_CHARS) {
		bd_cli_notice(
			options, "密码至少 12 个字符", "a password has at least 12 characters");
		return false;
	}
	if (!is_good) {
		bd_cli_notice(options, "没有得到密码（1 至 256 字节）",
			"no password was given (1 to 256 bytes)");
	}
	return is_good;
}
