// Azure's rules for users, keys, passwords and customData of a Linux guest.
import type { PrepareContext } from '../../arm/declaration.ts';
import type { ScaleSetBody } from './schema.ts';

type Context = PrepareContext<ScaleSetBody>;

const TARGET = 'properties.virtualMachineProfile.osProfile';
/** Decoded (azure-docs, custom-data page). */
const MAX_CUSTOM_DATA_BYTES = 65_535;
/** Names Azure refuses on Linux. */
const BANNED_USERS = new Set(
  'administrator admin user user1 test user2 test1 user3 admin1 1 123 a actuser adm admin2 aspnet backup console david guest john owner root server sql support support_388945a0 sys test2 test3 user4 user5'.split(
    ' ',
  ),
);
const BANNED_PASSWORDS = new Set(
  'abc@123 P@$$w0rd P@ssw0rd P@ssword123 Pa$$word pass@word1 Password! Password1 Password22 iloveyou!'.split(
    ' ',
  ),
);
const KEY_TYPE =
  /^(ssh-(rsa|ed25519)|ecdsa-sha2-nistp(256|384|521)|sk-(ssh-ed25519|ecdsa-sha2-nistp256)@openssh\.com) +[A-Za-z0-9+/]+={0,3}( .*)?$/;

export function checkOsProfile(context: Context): void {
  checkUser(context);
  checkKeys(context);
  checkPassword(context);
  checkCustomData(context);
  const { computerNamePrefix } = context.body.properties.virtualMachineProfile.osProfile;
  if (
    computerNamePrefix === undefined ||
    /^[A-Za-z0-9]([A-Za-z0-9-]{0,14})$/.test(computerNamePrefix)
  )
    return;
  context.problems.add(
    `${TARGET}.computerNamePrefix`,
    `The computerNamePrefix '${computerNamePrefix}' is not a host name: 1 to 15 letters, digits and '-', beginning with a letter or digit.`,
  );
}

function checkUser({ body, problems }: Context): void {
  const { adminUsername } = body.properties.virtualMachineProfile.osProfile;
  if (adminUsername === undefined) return;
  const at = `${TARGET}.adminUsername`;
  if (BANNED_USERS.has(adminUsername.toLowerCase())) {
    problems.add(
      at,
      `The Admin Username specified is not allowed: '${adminUsername}' is a reserved name.`,
    );
  } else if (!/^[a-z_][a-z0-9_-]{0,31}$/.test(adminUsername)) {
    problems.add(
      at,
      `The adminUsername '${adminUsername}' is not a Linux user name: 1 to 32 lower-case letters, digits, '_' and '-', beginning with a letter or '_'.`,
    );
  }
}

function checkKeys({ body, problems }: Context): void {
  const {
    adminUsername,
    adminPassword,
    linuxConfiguration: linux,
  } = body.properties.virtualMachineProfile.osProfile;
  const keys = linux?.ssh?.publicKeys ?? [];
  const at = `${TARGET}.linuxConfiguration`;
  for (const [i, { path, keyData }] of keys.entries()) {
    if (!KEY_TYPE.test(keyData.trim())) {
      problems.add(
        `${at}.ssh.publicKeys[${i}].keyData`,
        `The SSH public key ${i} is not in the format of ~/.ssh/id_*.pub: 'ssh-ed25519 AAAA…' or 'ssh-rsa AAAA…'.`,
      );
    }
    const expected = `/home/${adminUsername ?? ''}/.ssh/authorized_keys`;
    if (path !== undefined && path !== expected) {
      problems.add(
        `${at}.ssh.publicKeys[${i}].path`,
        `Destination path for SSH public keys is currently limited to its default value ${expected}.`,
      );
    }
  }
  if (keys.length > 0 && adminUsername === undefined) {
    problems.add(
      `${TARGET}.adminUsername`,
      'SSH public keys are given and adminUsername is not: say whose keys they are.',
    );
  }
  if (adminUsername === undefined || keys.length > 0 || adminPassword !== undefined) return;
  if (linux?.disablePasswordAuthentication === true) {
    problems.add(
      at,
      'Authentication using either SSH or by user name and password must be enabled in Linux profile: give an SSH public key.',
    );
  }
}

/** 6 to 72 characters, three of lower, upper, digit and special. */
function checkPassword({ body, problems }: Context): void {
  const { adminPassword } = body.properties.virtualMachineProfile.osProfile;
  if (adminPassword === undefined || adminPassword === '') return;
  const kinds = [/[a-z]/, /[A-Z]/, /\d/, /[^A-Za-z0-9]/].filter((kind) => kind.test(adminPassword));
  const long = adminPassword.length >= 6 && adminPassword.length <= 72;
  if (long && kinds.length >= 3 && !BANNED_PASSWORDS.has(adminPassword)) return;
  problems.add(
    `${TARGET}.adminPassword`,
    'The adminPassword must have 6 to 72 characters, three of lower case, upper case, digit and special, and not be a well-known one.',
  );
}

function checkCustomData({ body, problems }: Context): void {
  const { customData } = body.properties.virtualMachineProfile.osProfile;
  if (customData === undefined || customData === '') return;
  const at = `${TARGET}.customData`;
  const text = customData.replaceAll(/\s/g, '');
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text) || text.length % 4 !== 0) {
    problems.add(at, 'Custom data in OSProfile must be in Base64 encoding.');
    return;
  }
  const bytes = Buffer.byteLength(text, 'base64');
  if (bytes <= MAX_CUSTOM_DATA_BYTES) return;
  problems.add(
    at,
    `Custom data in OSProfile has ${bytes} bytes; the limit is ${MAX_CUSTOM_DATA_BYTES}.`,
  );
}
