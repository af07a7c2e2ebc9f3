//! The catalog of sensitive files, based on where each tool's documentation says that it stores them.

use std::fmt::Write as _;

use super::Sensitivity;
use super::Sensitivity::{
    AuthorizedKeys, Credentials, History, HostKey, MachineIdentity, PrivateKey,
};

/// When the sources of the table were last checked. docs/sensitive-files.md lists which.
pub const CHECKED: &str = "2026-11-28";
/// The home directories of users.
pub const HOMES: [&str; 2] = ["/root", "/home/*"];

/// A kind of sensitive file.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    /// The path pattern: `~` is any user's home directory, `**` any directories, `*` any part of a name.
    pub path: &'static str,
    /// The kind of file.
    pub kind: Sensitivity,
    /// A description of the file for users.
    pub what: &'static str,
    /// The URL of the documentation.
    pub source: &'static str,
}

const fn row(
    path: &'static str,
    kind: Sensitivity,
    what: &'static str,
    source: &'static str,
) -> Entry {
    Entry {
        path,
        kind,
        what,
        source,
    }
}

const SSH: &str = "https://man.openbsd.org/ssh-keygen.1";
const SSHD: &str = "https://man.openbsd.org/sshd.8";
const GNUPG: &str = "https://www.gnupg.org/documentation/manuals/gnupg/Agent-Configuration.html";
const AWS_CLI: &str = "https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-files.html";
const AWS_SSO: &str = "https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-sso.html";
const GCLOUD: &str = "https://cloud.google.com/docs/authentication/application-default-credentials";
const AZURE: &str = "https://learn.microsoft.com/cli/azure/msal-based-azure-cli";
const OCI: &str = "https://docs.oracle.com/iaas/Content/API/Concepts/apisigningkey.htm";
const GIT: &str = "https://git-scm.com/docs/git-credential-store";
const CARGO: &str = "https://doc.rust-lang.org/cargo/reference/config.html#credentials";
const GEMS: &str = "https://guides.rubygems.org/command-reference/#gem-signin";
const MAVEN: &str = "https://maven.apache.org/guides/mini/guide-encryption.html";
const ANACONDA: &str = "https://www.anaconda.com/docs/cli-reference/anaconda-cli/commands/auth";
const HUGGING_FACE: &str =
    "https://huggingface.co/docs/huggingface_hub/package_reference/environment_variables";
const KAGGLE: &str = "https://github.com/Kaggle/kaggle-api/blob/main/docs/README.md";
const MONGOSH: &str = "https://www.mongodb.com/docs/mongodb-shell/logs/";
const SNOWFLAKE: &str =
    "https://docs.snowflake.com/en/developer-guide/snowflake-cli/connecting/configure-connections";
const IRODS: &str = "https://docs.irods.org/4.3.0/system_overview/configuration/";
const JUPYTER: &str = "https://jupyter-server.readthedocs.io/en/latest/operators/security.html";
const RSTUDIO: &str =
    "https://docs.posit.co/ide/server-pro/authenticating_users/customizing_signin.html";
const VSCODE: &str = "https://code.visualstudio.com/docs/remote/tunnels";
const SLURM: &str = "https://slurm.schedmd.com/authentication.html";
const CONDOR: &str =
    "https://htcondor.readthedocs.io/en/latest/admin-manual/security.html#token-authentication";
const KERBEROS: &str = "https://web.mit.edu/kerberos/krb5-latest/doc/mitK5defaults.html";
const WIREGUARD: &str = "https://man7.org/linux/man-pages/man8/wg-quick.8.html";
const OPENVPN: &str = "https://openvpn.net/community-docs/how-to.html";
const TERRAFORM: &str = "https://developer.hashicorp.com/terraform/language/state/sensitive-data";
const BASH: &str = "https://www.gnu.org/software/bash/manual/html_node/Bash-Variables.html";
const CLOUD_INIT: &str = "https://docs.cloud-init.io/en/latest/reference/user_files.html";
const CERTBOT: &str =
    "https://eff-certbot.readthedocs.io/en/stable/using.html#where-are-my-certificates";
const TLS: &str = "https://ubuntu.com/server/docs/certificates";

/// The table. The first entry that matches a path applies.
// One line per entry, so that it reads as a table.
#[rustfmt::skip]
pub const CATALOGUE: &[Entry] = &[
    // SSH and GnuPG.
    row("/etc/ssh/ssh_host_*_key", HostKey, "an SSH host key", SSHD),
    row("~/.ssh/authorized_keys", AuthorizedKeys, "SSH keys that are allowed to log in", SSHD),
    row("**/id_rsa", PrivateKey, "an SSH private key", SSH),
    row("**/id_dsa", PrivateKey, "an SSH private key", SSH),
    row("**/id_ecdsa", PrivateKey, "an SSH private key", SSH),
    row("**/id_ecdsa_sk", PrivateKey, "an SSH private key", SSH),
    row("**/id_ed25519", PrivateKey, "an SSH private key", SSH),
    row("**/id_ed25519_sk", PrivateKey, "an SSH private key", SSH),
    row("~/.ssh/*.pem", PrivateKey, "a private key", "https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/create-key-pairs.html"),
    row("~/.gnupg/private-keys-v1.d/*.key", PrivateKey, "a GnuPG private key", GNUPG),
    row("~/.gnupg/secring.gpg", PrivateKey, "GnuPG private keys", GNUPG),
    // Cloud providers and their storage.
    row("~/.aws/credentials", Credentials, "AWS credentials", AWS_CLI),
    row("~/.aws/sso/cache/*.json", Credentials, "an AWS sign-in token", AWS_SSO),
    row("~/.aws/cli/cache/*.json", Credentials, "cached AWS credentials", AWS_SSO),
    row("~/.config/gcloud/credentials.db", Credentials, "Google Cloud credentials", GCLOUD),
    row("~/.config/gcloud/access_tokens.db", Credentials, "Google Cloud access tokens", GCLOUD),
    row("~/.config/gcloud/application_default_credentials.json", Credentials, "Google Cloud credentials", GCLOUD),
    row("~/.config/gcloud/legacy_credentials/*/adc.json", Credentials, "Google Cloud credentials", GCLOUD),
    row("~/.boto", Credentials, "Google Cloud Storage credentials", "https://cloud.google.com/storage/docs/boto-gsutil"),
    row("~/.azure/msal_token_cache.json", Credentials, "Azure tokens", AZURE),
    row("~/.azure/service_principal_entries.json", Credentials, "Azure credentials", AZURE),
    row("~/.azure/accessTokens.json", Credentials, "Azure tokens", AZURE),
    row("~/.oci/*.pem", PrivateKey, "an Oracle Cloud API signing key", OCI),
    row("~/.oci/sessions/*/token", Credentials, "an Oracle Cloud session token", OCI),
    row("~/.config/rclone/rclone.conf", Credentials, "rclone credentials", "https://rclone.org/docs/#config-string"),
    row("~/.s3cfg", Credentials, "s3cmd credentials", "https://s3tools.org/kb/item14.htm"),
    row("~/.databrickscfg", Credentials, "Databricks credentials", "https://docs.databricks.com/dev-tools/auth/config-profiles"),
    // Containers and code hosting.
    row("~/.kube/config", Credentials, "Kubernetes credentials", "https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/"),
    row("~/.docker/config.json", Credentials, "credentials of container registries", "https://docs.docker.com/reference/cli/docker/login/"),
    row("~/.config/containers/auth.json", Credentials, "credentials of container registries", "https://docs.podman.io/en/latest/markdown/podman-login.1.html"),
    row("~/.config/gh/hosts.yml", Credentials, "a GitHub token", "https://cli.github.com/manual/gh_auth_login"),
    row("~/.config/glab-cli/config.yml", Credentials, "a GitLab token", "https://docs.gitlab.com/cli/"),
    row("~/.git-credentials", Credentials, "Git passwords", GIT),
    row("~/.config/git/credentials", Credentials, "Git passwords", GIT),
    row("**/.netrc", Credentials, "passwords for hosts", "https://everything.curl.dev/usingcurl/netrc.html"),
    // Packages.
    row("~/.pypirc", Credentials, "PyPI credentials", "https://packaging.python.org/en/latest/specifications/pypirc/"),
    row("~/.anaconda/keyring", Credentials, "an Anaconda key", ANACONDA),
    row("**/.npmrc", Credentials, "npm settings, with tokens", "https://docs.npmjs.com/cli/configuring-npm/npmrc"),
    row("~/.cargo/credentials.toml", Credentials, "a Cargo token", CARGO),
    row("~/.cargo/credentials", Credentials, "a Cargo token", CARGO),
    row("~/.gem/credentials", Credentials, "a RubyGems key", GEMS),
    row("~/.local/share/gem/credentials", Credentials, "a RubyGems key", GEMS),
    row("**/.Renviron", Credentials, "the R environment, with tokens", "https://stat.ethz.ch/R-manual/R-devel/library/base/html/Startup.html"),
    row("~/.m2/settings.xml", Credentials, "Maven passwords", MAVEN),
    row("~/.m2/settings-security.xml", Credentials, "the Maven master password", MAVEN),
    row("~/.gradle/gradle.properties", Credentials, "Gradle properties, with passwords", "https://docs.gradle.org/current/userguide/build_environment.html"),
    // Models, data sets and experiments.
    row("~/.cache/huggingface/token", Credentials, "a Hugging Face token", HUGGING_FACE),
    row("~/.cache/huggingface/stored_tokens", Credentials, "Hugging Face tokens", HUGGING_FACE),
    row("~/.kaggle/kaggle.json", Credentials, "a Kaggle token", KAGGLE),
    row("~/.config/kaggle/kaggle.json", Credentials, "a Kaggle token", KAGGLE),
    row("~/.claude/.credentials.json", Credentials, "Anthropic credentials", "https://code.claude.com/docs/en/authentication"),
    row("~/.codex/auth.json", Credentials, "OpenAI credentials", "https://developers.openai.com/codex/auth"),
    row("~/.config/io.datasette.llm/keys.json", Credentials, "API keys for language models", "https://llm.datasette.io/en/stable/setup.html"),
    row("~/.mlflow/credentials", Credentials, "MLflow credentials", "https://mlflow.org/docs/latest/api_reference/_modules/mlflow/utils/credentials.html"),
    row("~/.comet.config", Credentials, "a Comet key", "https://www.comet.com/docs/v2/guides/experiment-management/configure-sdk/"),
    // Databases.
    row("~/.pgpass", Credentials, "PostgreSQL passwords", "https://www.postgresql.org/docs/current/libpq-pgpass.html"),
    row("~/.my.cnf", Credentials, "MySQL passwords", "https://dev.mysql.com/doc/refman/8.4/en/option-files.html"),
    row("~/.mylogin.cnf", Credentials, "MySQL passwords", "https://dev.mysql.com/doc/refman/8.4/en/mysql-config-editor.html"),
    row("~/.mongorc.js", Credentials, "MongoDB shell settings", "https://www.mongodb.com/docs/v4.4/mongo/"),
    row("~/.odbc.ini", Credentials, "ODBC data sources, with passwords", "https://www.unixodbc.org/odbcinst.html"),
    row("~/.snowflake/connections.toml", Credentials, "Snowflake connections", SNOWFLAKE),
    row("~/.snowsql/config", Credentials, "Snowflake connections", "https://docs.snowflake.com/en/user-guide/snowsql-config"),
    // Research data services.
    row("~/.synapseConfig", Credentials, "a Synapse token", "https://python-docs.synapse.org/en/stable/tutorials/authentication/"),
    row("**/*.ngc", Credentials, "a dbGaP repository key", "https://github.com/ncbi/sra-tools/wiki/03.-Quick-Toolkit-Configuration"),
    row("~/.ega.json", Credentials, "EGA credentials", "https://github.com/blachlylab/pyega"),
    row("~/.globus/cli/storage.db", Credentials, "Globus tokens", "https://docs.globus.org/cli/"),
    row("~/.globus/userkey.pem", PrivateKey, "a grid private key", "https://gridcf.org/gct-docs/latest/gsic/user/"),
    row("~/.irods/.irodsA", Credentials, "an iRODS password", IRODS),
    row("~/.dnanexus_config/environment.json", Credentials, "a DNAnexus token", "https://documentation.dnanexus.com/user/environment-variables"),
    // Notebooks and editors.
    row("~/.jupyter/jupyter_server_config.json", Credentials, "the Jupyter server password", JUPYTER),
    row("~/.jupyter/jupyter_notebook_config.json", Credentials, "the Jupyter server password", JUPYTER),
    row("~/.local/share/jupyter/runtime/jpserver-*.json", Credentials, "the Jupyter server token", JUPYTER),
    row("~/.local/share/jupyter/runtime/jupyter_cookie_secret", Credentials, "the Jupyter server cookie secret", JUPYTER),
    row("/srv/jupyterhub/jupyterhub_cookie_secret", Credentials, "the JupyterHub cookie secret", "https://jupyterhub.readthedocs.io/en/stable/explanation/websecurity.html"),
    row("/var/lib/rstudio-server/secure-cookie-key", Credentials, "the RStudio Server cookie key", RSTUDIO),
    row("/etc/rstudio/secure-cookie-key", Credentials, "the RStudio Server cookie key", RSTUDIO),
    row("~/.vscode-cli/token.json", Credentials, "a VS Code tunnel token", VSCODE),
    row("~/.vscode/cli/token.json", Credentials, "a VS Code tunnel token", VSCODE),
    row("~/.config/code-server/config.yaml", Credentials, "the code-server password", "https://coder.com/docs/code-server/FAQ"),
    // Schedulers and workflows.
    row("/etc/munge/munge.key", Credentials, "the MUNGE key", "https://github.com/dun/munge/wiki/Installation-Guide"),
    row("/etc/slurm/slurm.key", Credentials, "the Slurm key", SLURM),
    row("/etc/slurm/slurmdbd.conf", Credentials, "the Slurm database password", "https://slurm.schedmd.com/slurmdbd.conf.html"),
    row("/etc/condor/tokens.d/*", Credentials, "an HTCondor token", CONDOR),
    row("/etc/condor/passwords.d/*", Credentials, "an HTCondor signing key", CONDOR),
    row("~/.condor/tokens.d/*", Credentials, "an HTCondor token", CONDOR),
    row("~/.nextflow/secrets/store.json", Credentials, "Nextflow secrets", "https://www.nextflow.io/docs/latest/secrets.html"),
    // Directory services.
    row("/etc/krb5.keytab", Credentials, "a Kerberos keytab", KERBEROS),
    row("/tmp/krb5cc_*", Credentials, "Kerberos tickets", KERBEROS),
    row("/etc/sssd/sssd.conf", Credentials, "the SSSD settings, with password", "https://man7.org/linux/man-pages/man5/sssd.conf.5.html"),
    row("/etc/nslcd.conf", Credentials, "the nslcd settings, with password", "https://arthurdejong.org/nss-pam-ldapd/nslcd.conf.5"),
    // Networks.
    row("/etc/wireguard/*.conf", PrivateKey, "a WireGuard private key", WIREGUARD),
    row("/etc/openvpn/**/*.key", PrivateKey, "an OpenVPN private key", OPENVPN),
    row("/etc/openvpn/**/*.conf", Credentials, "the OpenVPN settings", OPENVPN),
    row("**/*.ovpn", Credentials, "the OpenVPN settings, with keys", OPENVPN),
    // Infrastructure as code.
    row("**/terraform.tfstate", Credentials, "the Terraform state", TERRAFORM),
    row("**/terraform.tfstate.backup", Credentials, "the Terraform state", TERRAFORM),
    row("~/.terraform.d/credentials.tfrc.json", Credentials, "a Terraform token", "https://developer.hashicorp.com/terraform/cli/commands/login"),
    row("**/.vault_pass", Credentials, "an Ansible Vault password", "https://www.digitalocean.com/community/tutorials/how-to-use-vault-to-protect-sensitive-ansible-data"),
    row("**/.vault_pass.txt", Credentials, "an Ansible Vault password", "https://docs.ansible.com/ansible/2.9/user_guide/vault.html"),
    row("~/.vault-token", Credentials, "a Vault token", "https://developer.hashicorp.com/vault/docs/commands/token-helper"),
    row("**/.env", Credentials, "a program's environment, with secrets", "https://docs.docker.com/compose/how-tos/environment-variables/variable-interpolation/"),
    // Shell and tool histories.
    row("~/.bash_history", History, "the bash history", BASH),
    row("~/.zsh_history", History, "the zsh history", "https://zsh.sourceforge.io/Doc/Release/Parameters.html"),
    row("~/.sh_history", History, "the shell history", "https://pubs.opengroup.org/onlinepubs/9799919799/utilities/sh.html"),
    row("~/.local/share/fish/fish_history", History, "the fish history", "https://fishshell.com/docs/current/cmds/history.html"),
    row("~/.python_history", History, "the Python history", "https://docs.python.org/3/library/site.html"),
    row("~/.ipython/profile_*/history.sqlite", History, "the IPython history", "https://ipython.readthedocs.io/en/stable/api/generated/IPython.core.history.html"),
    row("**/.Rhistory", History, "the R history", "https://stat.ethz.ch/R-manual/R-devel/library/utils/html/savehistory.html"),
    row("~/.julia/logs/repl_history.jl", History, "the Julia history", "https://docs.julialang.org/en/v1/manual/environment-variables/"),
    row("~/.node_repl_history", History, "the Node.js history", "https://nodejs.org/api/repl.html"),
    row("~/.psql_history", History, "the psql history", "https://www.postgresql.org/docs/current/app-psql.html"),
    row("~/.mysql_history", History, "the mysql history", "https://dev.mysql.com/doc/refman/8.4/en/mysql-logging.html"),
    row("~/.sqlite_history", History, "the sqlite3 history", "https://sqlite.org/cli.html"),
    row("~/.mongodb/mongosh/mongosh_repl_history", History, "the mongosh history", MONGOSH),
    // The machine itself.
    row("/etc/machine-id", MachineIdentity, "the machine ID", "https://www.freedesktop.org/software/systemd/man/latest/machine-id.html"),
    row("/var/lib/cloud/instances/*/user-data.txt", MachineIdentity, "the user data of the machine", CLOUD_INIT),
    row("/var/lib/amazon/ssm/Vault/Store/RegistrationKey", MachineIdentity, "the Systems Manager registration key", "https://docs.aws.amazon.com/systems-manager/latest/userguide/hybrid-activation-managed-nodes.html"),
    row("/etc/ssl/private/ssl-cert-snakeoil.key", MachineIdentity, "the self-signed key of the system", TLS),
    row("/etc/ssl/private/*", PrivateKey, "a TLS private key", TLS),
    row("/etc/pki/tls/private/*", PrivateKey, "a TLS private key", "https://docs.redhat.com/en/documentation/red_hat_enterprise_linux/9/html/securing_networks/creating-and-managing-tls-keys-and-certificates_securing-networks"),
    row("/etc/letsencrypt/archive/*/privkey*.pem", PrivateKey, "a TLS private key", CERTBOT),
    row("/etc/letsencrypt/live/*/privkey.pem", PrivateKey, "a TLS private key", CERTBOT),
];

/// The catalog as Markdown, for the documentation.
pub fn markdown() -> String {
    let mut text = String::from("| path | what it is | consent | source |\n|---|---|---|---|\n");
    for entry in CATALOGUE {
        let consent = if entry.kind.needs_consent() {
            "needed"
        } else {
            "not needed"
        };
        let path = entry.path.replace('*', "\\*");
        let (what, source) = (entry.what, entry.source);
        let _ = writeln!(text, "| {path} | {what} | {consent} | <{source}> |");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::sensitive::{SensitiveFile, entry};

    #[test]
    fn every_entry_is_found_by_a_path_of_its_own() {
        for known in CATALOGUE {
            let path = known
                .path
                .replace("~/", "/home/ann/")
                .replace("**/", "/srv/work/")
                .replace("//", "/")
                .replace('*', "x");
            let found = entry(&path).map(|entry| entry.path);
            assert_eq!(found, Some(known.path), "{path}");
            assert!(SensitiveFile::at(&path).is_some(), "{path}");
            assert!(known.source.starts_with("https://"), "{path}");
        }
    }
}
