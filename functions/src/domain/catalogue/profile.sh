# The notebook's environment, for login shells: pip installs into it, and `jupyter server list` shows the URL.
export PATH=/opt/prism/venv/bin:$PATH
export JUPYTER_RUNTIME_DIR=/run/prism-notebook
